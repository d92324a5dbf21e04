/** Markup that is safe to put into a page as it is. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Content = string | number | Html | readonly Html[] | undefined;

/** A template of a page: whatever is filled in is escaped, unless it is markup itself; undefined is nothing. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  const parts = contents.map((content, i) => markup(content) + (strings[i + 1] ?? ""));
  return new Html((strings[0] ?? "") + parts.join(""));
}

function markup(content: Content): string {
  if (content === undefined) return "";
  if (content instanceof Html) return content.text;
  if (typeof content === "object") return content.map(({ text }) => text).join("\n");
  return String(content).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** A table; numbers stand right. @param rows as many cells each as there are heads */
export function table(heads: readonly string[], rows: readonly (readonly Content[])[]): Html {
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells.map(cell)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function cell(content: Content): Html {
  const number = typeof content === "string" && /^[-−]?[\d.,]+(e[+-]?\d+)?$/.test(content);
  return number ? html`<td class="number">${content}</td>` : html`<td>${content}</td>`;
}
