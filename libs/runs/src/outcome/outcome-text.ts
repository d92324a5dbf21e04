import { printable } from "@fedclair/core/internal";
import pc from "picocolors";
import type { Run } from "../run/read-run.js";
import { measuringClients } from "../measures/truth.js";
import { backendLabel, backendText } from "./backend-text.js";
import { clientRows, type ClientRow } from "./client-rows.js";
import { columns } from "../words/columns.js";
import { compareArms, type ArmRow } from "./arm-rows.js";
import { modTexts } from "./mod-texts.js";
import { refinementText } from "./refinement-text.js";
import { verdictSentence } from "./verdict.js";

/**
 * A large cohort would fill several screens. Contaminated and misjudged clients come first; the
 * report lists the others.
 */
const maxRows = 64;

/** Limit for a text that comes from a record. */
const maxBytes = 1024;

/** Number of clients that hung to list. */
const maxHung = 5;

/** Number of metrics that fit on a line of a terminal. */
const maxMetrics = 6;

/**
 * Formats the outcome of a run for the terminal: one row per client, one row per arm, and a
 * sentence with the result.
 */
export function outcomeText(run: Run): string {
  const rows = clientRows(run);
  const hidden = rows.length > maxRows ? run.trial.clients - maxRows : 0;
  const refinement = refinementText(run);
  return [
    columns(
      [
        ["client", "true state", "verdict", "score", "threshold", "flagged", ""],
        ...rows.slice(0, maxRows).map(clientCells),
      ],
      ["left", "left", "left", "right", "right", "right", "left"],
    ),
    ...(hidden > 0 ? [pc.dim(`… ${hidden} more in the report`)] : []),
    "",
    formatArmTable(run),
    ...Object.entries(run.summary.stopped).map(([arm, why]) =>
      pc.red(printable(`${arm} could not go on: ${why}`, maxBytes)),
    ),
    ...hungTexts(run),
    "",
    verdictSentence(run),
    ...(refinement === undefined ? [] : [refinement]),
    ...modTexts(run).map((text) => printable(text, maxBytes)),
    `${backendLabel(run)}: ${printable(backendText(run) ?? "unknown", maxBytes)}`,
    "",
  ].join("\n");
}

/** Names the clients whose code did not return; only the first few. */
function hungTexts({ summary: { hung = {} } }: Run): string[] {
  const all = Object.entries(hung);
  const shown = all
    .slice(0, maxHung)
    .map(([clientId, why]) => pc.red(printable(`${clientId} hung: ${why}`, maxBytes)));
  return all.length > maxHung ? [...shown, pc.dim(`… ${all.length - maxHung} more hung`)] : shown;
}

function clientCells(row: ClientRow): string[] {
  const { display, truth, score, threshold, mistake, roundsFlagged, roundsJudged } = row;
  const { reason, farthest } = row;
  const judged = row.verdict !== undefined;
  return [
    display,
    row.isContaminated ? pc.yellow(printable(truth, maxBytes)) : truth,
    row.failure ? pc.red(row.failure.code) : verdictText(row),
    formatShort(score),
    judged && threshold === null ? "none" : formatShort(threshold),
    row.round === undefined ? "" : `${roundsFlagged}/${roundsJudged}`,
    [
      mistake && pc.red(mistake),
      [reason && printable(reason, maxBytes), farthest].filter(Boolean).join("; "),
    ]
      .filter(Boolean)
      .join(", "),
  ];
}

/** Formats the verdict of a client that did not fail. */
export function verdictText({ verdict, round }: Pick<ClientRow, "verdict" | "round">): string {
  return verdict ?? (round === undefined ? "never took part" : "—");
}

/** Formats the benign clients' means of the last round, one row per arm. */
function formatArmTable(run: Run): string {
  const { rows, metrics, hidden, clientsDiffer } = compareArms(run, maxMetrics);
  if (metrics.length === 0) {
    const { unmeasured } = run.failures;
    const why =
      unmeasured && `; ${unmeasured.clientId}: ${printable(unmeasured.message, maxBytes)}`;
    return pc.dim(`no client measured its params${why ?? ""}`);
  }
  const notes = [
    clientsDiffer ? [pc.red("n differs: means are over the clients measured in every arm")] : [],
    hidden > 0 ? [pc.dim(`… ${hidden} more metrics in summary.json`)] : [],
  ];
  return [
    columns(
      [
        [
          `${measuringClients(run.summary)}, last round`,
          "n",
          ...metrics.map((metric) => printable(metric, 40)),
        ],
        ...rows.map((row) => armCells(row, metrics)),
      ],
      ["left", "right", ...metrics.map(() => "right" as const)],
    ),
    ...notes.flat(),
  ].join("\n");
}

function armCells(row: ArmRow, metrics: readonly string[]): string[] {
  const n = countOf(row);
  return [
    printable(row.label, maxBytes),
    countText(row),
    ...metrics.map((metric) => {
      const own = row.means.get(metric);
      if (!own) return "—";
      return own.n === n ? formatShort(own.mean) : `${formatShort(own.mean)} (n ${own.n})`;
    }),
  ];
}

/** Counts the clients in the mean of an arm's first metric. */
export function countOf({ means }: ArmRow): number | undefined {
  const [first] = means.values();
  return first?.n;
}

/**
 * Formats the number of clients: `10`, or `5 of 10` if some are left out because they did not
 * measure in another arm.
 */
export function countText(row: ArmRow): string {
  const { measured } = row;
  if (measured === undefined) return "—";
  const n = countOf(row) ?? 0;
  return n === measured ? String(n) : `${n} of ${measured}`;
}

function formatShort(value: number | null): string {
  return value === null ? "—" : String(Number(value.toPrecision(3)));
}
