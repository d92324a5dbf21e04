import { isDeepStrictEqual } from "node:util";
import pc from "picocolors";
import { columns as aligned } from "../words/columns.js";
import type { Terminal } from "../words/terminal.js";
import { formatNumber } from "../words/numbers.js";
import type { Best } from "./best.js";
import { formatDifference, type Difference } from "./differences.js";
import { cardText } from "../outcome/outcome-text.js";
import { sweepCard } from "./sweep-card.js";
import { attackTopic, bestTopic } from "./highlights.js";
import type { SweepResults } from "./results.js";
import { formatCell, type Table } from "./table.js";
import { verdictCells, type VerdictCounts } from "./verdict-counts.js";

/** Longer lists would fill several screens; the report has all of them. */
const maxLines = 20;

/** With more findings than these, nobody sees what matters most. */
export const maxFindings = 6;

/** What the numbers mean, for texts and pages. */
export const meanNote =
  "± is half the 95 % Student interval of the mean over seeds; in brackets, the number of seeds.";
export const shareNote =
  "Shares of clients have 95 % Wilson intervals over clients and seeds, which are too narrow if verdicts of one run depend on each other.";

/** What the differences mean. */
export function differenceNote({ correction, differences }: SweepResults): string {
  const paired = "Differences are paired by seed, with the 95 % Student interval of their mean; ";
  if (correction === undefined) return `${paired}intervals are not widened for many comparisons.`;
  const measures = new Set(differences.map(({ measure }) => measure));
  return `${paired}whether one is better goes by p, Holm's adjusted p-value over all differences of a measure (${differences.length} of ${measures.size} measures), at 0.05.`;
}

/** What the differences mean, and which option corrects them. */
export function differenceAdvice(results: SweepResults): string {
  const note = differenceNote(results);
  return results.correction === undefined
    ? `${note} sweep.correction: holm corrects for them.`
    : note;
}

/** Where there is no terminal, lines may have any length. */
const unlimited: Terminal = { width: Infinity, wrap: String };

/** Formats the results of a sweep. @param terminal the terminal that lines are wrapped for */
export function sweepText(results: SweepResults, terminal = unlimited): string {
  const { width } = terminal;
  const wrap = (text: string) => terminal.wrap(text, width);
  const {
    tables,
    verdicts,
    notes: about,
    best,
    differences,
    findings,
    highlights,
    models,
  } = results;
  const cells = tables.flatMap((table) => table.cells.flat());
  const card = sweepCard(results);
  // A few findings already say what most topics do.
  const shown = highlights.filter(
    ({ topic }) => topic === attackTopic || (topic !== bestTopic && findings.length > maxFindings),
  );
  const notes = [
    cells.some((cell) => cell?.interval && !cell.counts) ? meanNote : undefined,
    findings.length > 0 || cells.some((cell) => cell?.counts) ? shareNote : undefined,
    differences.length > 0 ? differenceAdvice(results) : undefined,
  ].filter((note) => note !== undefined);
  return [
    ...groupTables(tables).map((group) => tableText(group, width)),
    ...(verdicts.length === 0 ? [] : [verdictText(verdicts, width)]),
    ...(about.length === 0 ? [] : [about.map((note) => `${pc.dim(wrap(note))}\n`).join("")]),
    ...(models === undefined ? [] : [`${wrap(models)}\n`]),
    ...(best.length === 0 ? [] : [bestText(best, width)]),
    ...(differences.length === 0 ? [] : [differencesText(differences, width)]),
    ...(findings.length === 0
      ? []
      : [
          listLines(
            findings.map(({ place, texts }) => wrap(`${place}: ${texts.join("; ")}`)),
            "studies",
          ),
        ]),
    ...(card.parts.length === 0
      ? []
      : [[cardText(card), ...(card.who ?? [])].map((line) => `${wrap(line)}\n`).join("")]),
    ...(shown.length === 0
      ? []
      : [
          shown
            .map(({ topic, texts }) =>
              texts.map((text) => `${wrap(`${pc.bold(topic)}: ${text}`)}\n`).join(""),
            )
            .join(""),
        ]),
    ...(notes.length === 0 ? [] : [notes.map((note) => `${pc.dim(wrap(note))}\n`).join("")]),
  ].join("\n");
}

/**
 * Groups tables of one column that have the same rows: their measures become the columns of one
 * table.
 */
export function groupTables(tables: readonly Table[]): (readonly [Table, ...Table[]])[] {
  const groups: [Table, ...Table[]][] = [];
  for (const table of tables) {
    const [before] = groups.at(-1) ?? [];
    const joins =
      before?.columns.length === 1 &&
      table.columns.length === 1 &&
      before.facet === table.facet &&
      isDeepStrictEqual(before.rows, table.rows);
    if (joins) groups.at(-1)?.push(table);
    else groups.push([table]);
  }
  return groups;
}

/** The heading and the cells of grouped tables, as texts. The last row has the worst values. */
export function tableCells([first, ...rest]: readonly [Table, ...Table[]]): {
  readonly title: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly worst: readonly string[];
} {
  const { measure, facet, rows, columns } = first;
  const text = (value: number | undefined) => (value === undefined ? "" : formatNumber(value));
  const isWide = columns.length > 1;
  const group = [first, ...rest];
  const worst = isWide ? first.worst.map(text) : group.map(({ worst: [value] }) => text(value));
  return {
    title: isWide ? [measure, facet].filter(Boolean).join(", ") : facet,
    heads: isWide ? columns : group.map((table) => table.measure),
    rows: rows.map((row, r) => [
      row,
      ...(isWide
        ? columns.map((_, c) => formatCell(first.cells[r]?.[c]))
        : group.map(({ cells }) => formatCell(cells[r]?.[0]))),
    ]),
    worst: rows.length > 1 && worst.some((value) => value !== "") ? worst : [],
  };
}

function tableText(group: readonly [Table, ...Table[]], width: number): string {
  const { title, heads, rows, worst } = tableCells(group);
  const last = worst.length === 0 ? [] : [["worst", ...worst].map((cell) => pc.italic(cell))];
  const align = ["left" as const, ...heads.map(() => "right" as const)];
  const head = title === "" ? "" : `${pc.bold(title)}\n`;
  return `${head}${aligned([["", ...heads], ...rows, ...last], align, width)}\n`;
}

/** The heads and the cells of the table of the best methods. */
export function bestCells(best: readonly Best[]): readonly (readonly string[])[] {
  const hasPlace = best.some(({ place }) => place !== "");
  return [
    ["measure", ...(hasPlace ? ["where"] : []), "best", "", "not distinguishable from it"],
    ...best.map(({ measure, place, methods, value, alike }) => [
      measure,
      ...(hasPlace ? [place] : []),
      methods.join(", "),
      value,
      alike.join(", ") || "–",
    ]),
  ];
}

function bestText(best: readonly Best[], width: number): string {
  const [heads = [], ...rows] = bestCells(best);
  return shortTable(heads, rows, () => "left", width);
}

/** The title of the table of verdicts. */
export const verdictTitle = "Verdicts of the last round, all seeds";

function verdictText(verdicts: readonly VerdictCounts[], width: number): string {
  const [heads = [], ...rows] = verdictCells(verdicts);
  const sides = (column: number) => (column === 0 ? "left" : "right");
  return `${pc.bold(verdictTitle)}\n${shortTable(heads, rows, sides, width)}`;
}

function shortTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  sides: (column: number) => "left" | "right",
  width: number,
): string {
  const more = rows.length - maxLines;
  const table = aligned(
    [heads, ...rows.slice(0, maxLines)],
    heads.map((_, column) => sides(column)),
    width,
  );
  return `${table}\n${more > 0 ? pc.dim(`… ${more} more in the report`) + "\n" : ""}`;
}

/** Formats an adjusted p-value: `0.012`, or `<0.001`. */
function formatP(p = 1): string {
  return p < 0.001 ? "<0.001" : p.toFixed(3);
}

/** The heads and the cells of the table of differences. */
export function differenceCells(
  differences: readonly Difference[],
): readonly (readonly string[])[] {
  const hasPlace = differences.some(({ place }) => place !== "");
  const hasP = differences.some(({ p }) => p !== undefined);
  return [
    [
      ...(hasPlace ? ["where"] : []),
      "difference",
      "measure",
      "mean [95 % interval] (seeds)",
      ...(hasP ? ["p"] : []),
      "the first is",
    ],
    ...differences.map((difference) => [
      ...(hasPlace ? [difference.place] : []),
      `${difference.method} − ${difference.reference}`,
      difference.measure,
      formatDifference(difference),
      ...(hasP ? [formatP(difference.p)] : []),
      difference.outcome,
    ]),
  ];
}

function differencesText(differences: readonly Difference[], width: number): string {
  const [heads = [], ...rows] = differenceCells(differences);
  const isNumber = (column: number) =>
    column > heads.indexOf("measure") && column < heads.length - 1;
  const sides = (column: number) => (isNumber(column) ? "right" : "left");
  return shortTable(heads, rows, sides, width);
}

function listLines(lines: readonly string[], what: string): string {
  const more = lines.length - maxLines;
  return [
    ...lines.slice(0, maxLines).map((line) => `${line}\n`),
    ...(more > 0 ? [pc.dim(`… ${more} more ${what} in the report`) + "\n"] : []),
  ].join("");
}
