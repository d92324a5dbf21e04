import { compareKeys, type SortValue } from "../data/compare-keys.js";
import { element } from "./create-element.js";

/** Shorter tables are read as a whole. */
const minFiltered = 12;

/** Lets a table be sorted by the heads of its columns, and filtered if it is long. */
export function makeTableSortable(table: HTMLTableElement): void {
  const body = table.tBodies[0];
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
  const frame = table.closest<HTMLElement>(".wide");
  const title = table.closest("section, details")?.querySelector("h2, summary")?.textContent ?? "";
  // A frame that scrolls must be reached by keyboard.
  for (const [name, value] of Object.entries({
    tabindex: "0",
    role: "region",
    "aria-label": title,
  }))
    frame?.setAttribute(name, value);
  if (!body || body.rows.length < 2) return;
  for (const [column, head] of heads.entries()) {
    if (head.textContent === "" || head.querySelector("a")) continue; // a link stays one
    const button = element("button", { class: "sort", type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const isAscending = head.ariaSort === "descending";
      for (const other of heads) other.ariaSort = null;
      head.ariaSort = isAscending ? "ascending" : "descending";
      sortRows(body, column, isAscending ? 1 : -1);
    });
  }
  if (body.rows.length > minFiltered) frame?.before(createFilter(body, title));
}

/** Sorts by number where both cells begin with one, else as text. Empty cells come last. */
function sortRows(body: HTMLTableSectionElement, column: number, direction: 1 | -1): void {
  const keyed = [...body.rows].map((row) => ({ row, key: readKey(row.cells[column]) }));
  keyed.sort((one, other) => compareKeys(one.key, other.key, direction));
  body.append(...keyed.map(({ row }) => row));
}

function readKey(cell: HTMLTableCellElement | undefined): SortValue {
  const text = cell?.textContent.trim() ?? "";
  if (text === "" || text === "–") return undefined;
  const [number] = /^[+-]?[\d,]*\.?\d+(e[+-]?\d+)?/.exec(text) ?? [];
  return number === undefined ? text : Number(number.replaceAll(",", ""));
}

function createFilter(body: HTMLTableSectionElement, title: string): HTMLElement {
  const count = element("span", { class: "note", role: "status" });
  const input = element("input", { type: "search", "aria-label": `Filter: ${title}` });
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const row of body.rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      if (!row.hidden) shown++;
    }
    count.textContent = wanted === "" ? "" : `${shown} of ${body.rows.length} rows`;
  });
  return element("p", { class: "filter" }, element("label", {}, "Filter ", input), " ", count);
}
