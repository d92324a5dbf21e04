import { printable } from "@fedclair/core/internal";
import pc from "picocolors";
import type { Run } from "../run.js";
import { measuringClients } from "../truth.js";
import { backendText } from "./backend-text.js";
import { clientRows, type ClientRow } from "./client-rows.js";
import { columns } from "./columns.js";
import { compareArms, type ArmRow } from "./method-rows.js";
import { modTexts } from "./mod-texts.js";
import { verdictSentence } from "./verdict.js";

/** Clients of a big cohort would fill screens: contaminated and mistaken ones come first, the rest is in the report. */
const mostRows = 64;

/** Of a text that a record brings along. */
const mostBytes = 1024;

/** Metrics beside one another on a line of a terminal. */
const mostMetrics = 6;

/** What a run showed, for the terminal: a row a client, a row a method, and the finding in a sentence. */
export function outcomeText(run: Run): string {
  const rows = clientRows(run);
  const hidden = rows.length > mostRows ? run.trial.clients - mostRows : 0;
  const { stopped } = run.summary;
  return [
    columns(
      [
        ["client", "true state", "verdict", "score", "threshold", "flagged", ""],
        ...rows.slice(0, mostRows).map(clientCells),
      ],
      ["left", "left", "left", "right", "right", "right", "left"],
    ),
    ...(hidden > 0 ? [pc.dim(`… ${hidden} more in the report`)] : []),
    "",
    methodTable(run),
    "",
    verdictSentence(run),
    ...modTexts(run).map((text) => printable(text, mostBytes)),
    ...Object.entries(stopped).map(([arm, why]) =>
      pc.red(printable(`${arm} could not go on: ${why}`, mostBytes)),
    ),
    `backend of the clients: ${printable(backendText(run) ?? "unknown", mostBytes)}`,
    "",
  ].join("\n");
}

function clientCells(row: ClientRow): string[] {
  const { display, truth, score, threshold, reason, mistake, roundsFlagged, roundsJudged } = row;
  const judged = row.verdict !== undefined;
  return [
    display,
    row.isContaminated ? pc.yellow(printable(truth, mostBytes)) : truth,
    row.failure ? pc.red(row.failure.code) : verdictText(row),
    short(score),
    judged && threshold === null ? "none" : short(threshold),
    row.round === undefined ? "" : `${roundsFlagged}/${roundsJudged}`,
    [mistake && pc.red(mistake), reason && printable(reason, mostBytes)].filter(Boolean).join(", "),
  ];
}

/** Of a client that did not fail. */
export function verdictText({ verdict, round }: Pick<ClientRow, "verdict" | "round">): string {
  return verdict ?? (round === undefined ? "never sampled" : "—");
}

/** The benign clients' means of the last round, a row a method. */
function methodTable(run: Run): string {
  const { rows, metrics, hidden, clientsDiffer } = compareArms(run, mostMetrics);
  if (metrics.length === 0) {
    const { unmeasured } = run.failures;
    const why =
      unmeasured && `; ${unmeasured.clientId}: ${printable(unmeasured.message, mostBytes)}`;
    return pc.dim(`no client measured its params${why ?? ""}`);
  }
  const notes = [
    clientsDiffer
      ? [pc.red("n differs: means are over the clients measured under every method")]
      : [],
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
        ...rows.map((row) => methodCells(row, metrics)),
      ],
      ["left", "right", ...metrics.map(() => "right" as const)],
    ),
    ...notes.flat(),
  ].join("\n");
}

function methodCells(row: ArmRow, metrics: readonly string[]): string[] {
  const n = countOf(row);
  return [
    printable(row.label, mostBytes),
    countText(row),
    ...metrics.map((metric) => {
      const own = row.means.get(metric);
      if (!own) return "—";
      return own.n === n ? short(own.mean) : `${short(own.mean)} (n ${own.n})`;
    }),
  ];
}

/** Clients that a method's first mean is taken over. */
export function countOf({ means }: ArmRow): number | undefined {
  const [first] = means.values();
  return first?.n;
}

/** `10`, or `5 of 10` where some that measured are left out since they did not under another method. */
export function countText(row: ArmRow): string {
  const { measured } = row;
  if (measured === undefined) return "—";
  const n = countOf(row) ?? 0;
  return n === measured ? String(n) : `${n} of ${measured}`;
}

function short(value: number | null): string {
  return value === null ? "—" : String(Number(value.toPrecision(3)));
}
