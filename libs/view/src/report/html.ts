import { printable } from "@fedclair/core/internal";
import { formatNumber } from "@fedclair/runs";

/** Markup that can be inserted into a page without escaping. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Content = string | number | Html | readonly Html[] | undefined;

/** Maximum length of a single text on a page, in bytes. */
const maxBytes = 8192;

/**
 * A template of a page. Values are escaped and made printable unless they are markup; undefined
 * inserts nothing.
 */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  const [first = "", ...others] = withoutIndents(strings);
  return new Html(first + contents.map((one, i) => markup(one) + (others[i] ?? "")).join(""));
}

const templates = new WeakMap<TemplateStringsArray, readonly string[]>();

/** Removes the indents of a template, which would be a tenth of a page. */
function withoutIndents(strings: TemplateStringsArray): readonly string[] {
  const known = templates.get(strings);
  if (known) return known;
  const bare = strings.map((text) => text.replace(/\n\s+/g, "\n"));
  templates.set(strings, bare);
  return bare;
}

function markup(content: Content): string {
  if (content === undefined) return "";
  if (content instanceof Html) return content.text;
  if (typeof content === "object") return content.map(({ text }) => text).join("\n");
  return printable(String(content), maxBytes).replace(
    /[&<>"']/g,
    (letter) => `&#${letter.charCodeAt(0)};`,
  );
}

/** Escapes a text and keeps its line breaks. */
export function preformatted(text: string): Html {
  return new Html(text.split("\n").map(markup).join("\n"));
}

/** A list of facts, each with a name and a value. */
export function factList(lines: readonly (readonly [name: string, value: string])[]): Html {
  return html`<dl class="facts">
    ${lines.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

/**
 * A table in which columns of numbers are right-aligned.
 * @param rows each with as many cells as there are heads
 * @param hasRowHeads whether the first cell of a row names it
 */
export function table(
  heads: readonly Content[],
  rows: readonly (readonly Content[])[],
  { hasRowHeads = false }: { readonly hasRowHeads?: boolean } = {},
): Html {
  const classes = heads.map((_, i) =>
    rows.every((cells) => isNumeric(cells[i])) ? "number" : "text",
  );
  const head = heads.map((text, i) =>
    text === "" ? html`<td></td>` : html`<th scope="col" class="${classes[i]}">${text}</th>`,
  );
  const cell = (content: Content, i: number) =>
    hasRowHeads && i === 0
      ? html`<th scope="row">${content}</th>`
      : html`<td class="${classes[i]}">${content}</td>`;
  const body = rows.map((cells) => {
    return html`<tr>
      ${cells.map(cell)}
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

/** A column of a table: its head, and its cell in the row of a value. */
export type Column<T> = readonly [head: Content, cell: (value: T) => Content];

/** A table with a row for each value. A column that is false is left out. */
export function columnTable<T>(
  values: readonly T[],
  columns: readonly (Column<T> | false)[],
): Html {
  const shown = columns.filter((column) => column !== false);
  return table(
    shown.map(([head]) => head),
    values.map((value) => shown.map(([, cell]) => cell(value))),
  );
}

/** A note below a table that shows only some of its rows or columns. */
export function hiddenNote(
  shown: number,
  all: number,
  what: string,
  file: string,
): Html | undefined {
  if (all <= shown) return undefined;
  return html`<p class="note">
    ${shown} of ${all.toLocaleString("en-US")} ${what}; all are in <code>${file}</code>.
  </p>`;
}

/** Formats a number of a table; a dash stands for a missing one. */
export function formatOptional(value: number | null | undefined): string {
  return value == null ? "–" : formatNumber(value);
}

/**
 * Matches numbers as `formatNumber` writes them, multiples (`1.9×`), means and shares with their
 * interval (`0.85 ± 0.01 (10)`, `17 of 20 (64–95 %)`), and the placeholders of absent numbers.
 */
function isNumeric(content: Content): boolean {
  const text = content instanceof Html ? content.text.replace(/<[^>]*>/g, "").trim() : content;
  return (
    typeof text === "string" &&
    /^(-?[\d.,]+(e[+-]?\d+)?(×| ± .*| of .* %\)| \[.*)?|\+[\d.,]+(e[+-]?\d+)? \[.*|–|none)$/.test(
      text,
    )
  );
}
