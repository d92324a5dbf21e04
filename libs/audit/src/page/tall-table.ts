import { html, table, type Html } from "@fedclair/view";

/** Longer tables scroll in their own frame. */
const mostRows = 40;

/** Renders a table that scrolls by itself if it has many rows. */
export function tallTable(...[heads, rows]: Parameters<typeof table>): Html {
  return html`<div class="${rows.length > mostRows ? "tall" : ""}">${table(heads, rows)}</div>`;
}
