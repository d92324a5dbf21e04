import { printable } from "@fedclair/core/internal";
import pc from "picocolors";
import type { Run } from "../run/read-run.js";
import { listNextSteps } from "../measures/next-steps.js";
import { isFlagged, measuringClients } from "../measures/truth.js";
import { backendLabel, backendText } from "./backend-text.js";
import { clientRows, type ClientRow } from "./client-rows.js";
import { columns, reasonTable } from "../words/columns.js";
import type { Terminal } from "../words/terminal.js";
import { maxOf, minOf } from "../words/numbers.js";
import { compareArms, guessingRow, type ArmRow } from "./arm-rows.js";
import { modTexts } from "./mod-texts.js";
import { refinementText } from "./refinement-text.js";
import { verdictCard, type VerdictCard } from "./verdict-card.js";
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
 * Formats the outcome of a run for the terminal: a row per client that a reader should look at, one
 * row per arm, and the result in a few words and in a sentence.
 * @param terminal longer lines than it has columns are wrapped at spaces; by default none are
 */
export function outcomeText(run: Run, terminal?: Terminal): string {
  const rows = clientRows(run);
  const shown = rows.filter(needsLook).slice(0, maxRows);
  const refinement = refinementText(run);
  const card = verdictCard(run);
  const wrap = (text: string) => (terminal ? terminal.wrap(text, terminal.width) : text);
  return [
    ...(rows.length === 0 ? [] : [clientTable(shown, terminal)]),
    ...othersTexts(run, rows, shown),
    "",
    formatArmTable(run),
    ...Object.entries(run.summary.stopped).map(([arm, why]) =>
      pc.red(wrap(printable(`${arm} could not go on: ${why}`, maxBytes))),
    ),
    ...hungTexts(run),
    "",
    wrap(cardText(card)),
    ...(card.who ?? []).map(wrap),
    wrap(verdictSentence(run)),
    ...listNextSteps([run.summary], { arms: run.arms, measures: run.description }).map(wrap),
    ...(refinement === undefined ? [] : [refinement]),
    ...modTexts(run).map((text) => wrap(printable(text, maxBytes))),
    wrap(`${backendLabel(run)}: ${printable(backendText(run) ?? "unknown", maxBytes)}`),
    "",
  ].join("\n");
}

/** A client that is contaminated, or was not simply found benign. */
function needsLook({ isContaminated, verdict, failure }: ClientRow): boolean {
  const isOdd = verdict !== undefined && verdict !== "benign";
  return isContaminated || isOdd || failure !== null;
}

/** The rows of clients, with a reason each. */
function clientTable(rows: readonly ClientRow[], terminal: Terminal | undefined): string {
  const head = ["client", "true state", "verdict", "score", "threshold", "flagged", ""];
  const align = ["left", "left", "left", "right", "right", "right"] as const;
  return reasonTable([head, ...rows.map(clientCells)], align, terminal);
}

/** Sums up the clients that have no row. */
function othersTexts(
  { trial }: Run,
  rows: readonly ClientRow[],
  shown: readonly ClientRow[],
): string[] {
  const hidden = rows.length === 0 ? 0 : trial.clients - shown.length;
  if (hidden === 0) return [];
  const scores = rows.flatMap(({ score, verdict }) =>
    verdict === "benign" && score !== null ? [score] : [],
  );
  const [low, high] = [minOf(scores), maxOf(scores)].map(formatShort);
  const range = scores.length === 0 ? "" : ` with scores of ${low} to ${high}`;
  return hidden === scores.length
    ? [pc.dim(`… ${hidden} benign${range}`)]
    : [pc.dim(`… ${hidden} more in the report${range && `, benign ones${range}`}`)];
}

const toneColours = { bad: pc.red, open: pc.yellow, good: pc.green, plain: String };

/** Formats a result at a glance. */
export function cardText({ tone, parts }: VerdictCard): string {
  return pc.bold(toneColours[tone](parts.join(" · ")));
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
  const { display, truth, score, threshold, roundsFlagged, roundsJudged } = row;
  const judged = row.verdict !== undefined;
  return [
    display,
    printable(truth, maxBytes),
    row.failure ? pc.red(row.failure.code) : colouredVerdict(row),
    formatShort(score),
    judged && threshold === null ? "none" : formatShort(threshold),
    row.round === undefined ? "" : `${roundsFlagged}/${roundsJudged}`,
    clientReason(row),
  ];
}

/** Says what is wrong with a verdict, and why it is what it is. */
function clientReason({ mistake, reason, farthest }: ClientRow): string {
  const why = [reason && printable(reason, maxBytes), farthest].filter(Boolean).join("; ");
  return [mistake && pc.red(mistake), why].filter(Boolean).join(", ");
}

/** A client that is left out is red, one that is undecided yellow, as the card is. */
function colouredVerdict(row: ClientRow): string {
  const text = verdictText(row);
  return isFlagged(row) ? pc.red(text) : row.verdict === "undecided" ? pc.yellow(text) : text;
}

/** Formats the verdict of a client that did not fail. */
export function verdictText({ verdict, round }: Pick<ClientRow, "verdict" | "round">): string {
  return verdict ?? (round === undefined ? "never took part" : "—");
}

/** Formats the benign clients' means of the last round, one row per arm. */
function formatArmTable(run: Run): string {
  const { rows, metrics, hidden, clientsDiffer } = compareArms(run, maxMetrics);
  if (metrics.length === 0) {
    const [unmeasured] = run.failures.unmeasured.values();
    const why =
      unmeasured && `; ${unmeasured.clientId}: ${printable(unmeasured.message, maxBytes)}`;
    return pc.dim(`no client measured its params${why ?? ""}`);
  }
  const notes = [
    clientsDiffer ? [pc.red("n differs: means are over the clients measured in every arm")] : [],
    hidden > 0 ? [pc.dim(`… ${hidden} more metrics in summary.json`)] : [],
    [...run.failures.unmeasured].flatMap(([arm, { clientId, code, message }]) =>
      code === "NO_EVALUATION"
        ? []
        : [pc.red(printable(`${arm}: ${clientId} was not measured: ${message}`, maxBytes))],
    ),
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
        ...guessingRow(run, metrics).map((cells) => cells.map((cell) => cell && pc.dim(cell))),
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
