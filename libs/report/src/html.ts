import { printable } from "@fedclair/core/internal";

/** Markup that is safe to put into a page as it is. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Content = string | number | Html | readonly Html[] | undefined;

/** Of one text on a page; nobody reads on. */
const mostBytes = 8192;

/** A template of a page: whatever is filled in is escaped and made printable, unless it is markup itself; undefined is nothing. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  const parts = contents.map((content, i) => markup(content) + (strings[i + 1] ?? ""));
  return new Html((strings[0] ?? "") + parts.join(""));
}

function markup(content: Content): string {
  if (content === undefined) return "";
  if (content instanceof Html) return content.text;
  if (typeof content === "object") return content.map(({ text }) => text).join("\n");
  return printable(String(content), mostBytes).replace(
    /[&<>"']/g,
    (letter) => `&#${letter.charCodeAt(0)};`,
  );
}

/** Text of several lines, which it keeps. */
export function preformatted(text: string): Html {
  return new Html(text.split("\n").map(markup).join("\n"));
}

/** A line a fact: its name, and what it is. */
export function factList(lines: readonly (readonly [name: string, value: string])[]): Html {
  return html`<dl class="facts">
    ${lines.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}

/** A table; columns of numbers stand right. @param rows as many cells each as there are heads */
export function table(heads: readonly string[], rows: readonly (readonly Content[])[]): Html {
  const classes = heads.map((_, i) =>
    rows.every((cells) => isNumeric(cells[i])) ? "number" : "text",
  );
  const head = heads.map((text, i) => html`<th scope="col" class="${classes[i]}">${text}</th>`);
  const body = rows.map((cells) => {
    return html`<tr>
      ${cells.map((content, i) => html`<td class="${classes[i]}">${content}</td>`)}
    </tr>`;
  });
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

/** Numbers as `formatNumber` writes them, multiples (`1.9×`), and what stands for one that is absent. */
function isNumeric(content: Content): boolean {
  const text = content instanceof Html ? content.text.replace(/^<b>(.*)<\/b>$/, "$1") : content;
  return typeof text === "string" && /^(-?[\d.,]+(e[+-]?\d+)?×?|–|none)$/.test(text);
}
