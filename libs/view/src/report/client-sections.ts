import {
  clientRows,
  displayName,
  readMetric,
  orderMetrics,
  verdictText,
  type ClientRow,
  type Run,
} from "@fedclair/runs";
import {
  columnTable,
  formatOptional,
  hiddenNote,
  html,
  table,
  type Column,
  type Html,
} from "./html.js";

/** Longer tables are truncated; the records contain every row. */
const maxRows = 300;
/** Wider tables are truncated too. */
const maxMetrics = 12;

/**
 * A table of all clients with their latest verdict. If it is truncated, wrong verdicts and failures
 * come first.
 */
export function clientSection(run: Run): Html | undefined {
  const all = clientRows(run);
  if (all.length === 0) return undefined;
  const rows =
    all.length <= maxRows ? all : all.toSorted((a, b) => urgency(b) - urgency(a)).slice(0, maxRows);
  const metricNames = orderMetrics(
    new Set(rows.flatMap(({ evaluation }) => Object.keys(evaluation))),
    run.description,
  );
  const metrics = metricNames.slice(0, maxMetrics);
  const hasVerdicts = rows.some(({ verdict }) => verdict !== undefined);
  const hasFailures = rows.some(({ failure }) => failure);
  const hasReasons = rows.some((row) => reasonText(row) !== "");
  const clients = run.trial.clients;
  const spacing = run.spacing.clients;
  const listed = Math.ceil(clients / spacing);
  const unsampled = listed - all.filter(({ round }) => round !== undefined).length;
  const rounds = new Set(all.flatMap(({ round }) => round ?? []));
  const hasSeveralRounds = rounds.size > 1;
  const columns: (Column<ClientRow> | false)[] = [
    ["client", ({ clientId, display }) => html`<span id="client-${clientId}">${display}</span>`],
    ["truth", ({ truth }) => truth],
    hasSeveralRounds && [
      "round",
      ({ round }) => (round === undefined ? "never took part" : String(round)),
    ],
    hasVerdicts && ["verdict", verdictCell],
    hasVerdicts && ["score", ({ score }) => formatOptional(score)],
    hasVerdicts && [
      "threshold",
      ({ verdict, threshold }) =>
        verdict !== undefined && threshold === null ? "none" : formatOptional(threshold),
    ],
    hasVerdicts && [
      "rounds flagged",
      ({ round, roundsFlagged, roundsJudged }) =>
        round === undefined ? "–" : `${roundsFlagged}/${roundsJudged}`,
    ],
    ...metrics.map((metric): Column<ClientRow> => [
      `own ${metric}`,
      ({ evaluation }) => formatOptional(readMetric(evaluation, metric)),
    ]),
    hasFailures && [
      "failure",
      ({ failure }) => (failure ? html`<code>${failure.code}</code>` : ""),
    ],
    hasReasons && ["reason", reasonText],
  ];
  return html`<section id="clients">
    ${
      hasSeveralRounds
        ? html`<h2>Clients</h2>
            <p class="note">
              Each as of
              ${hasVerdicts ? "the last round that judged it or in which it failed" : "its last round"}.
            </p>`
        : html`<h2>Clients of round ${[...rounds].join("")}</h2>`
    }
    ${
      spacing === 1
        ? undefined
        : html`<p class="note">
            This table is a sample of every ${spacing}th of ${clients.toLocaleString("en-US")}
            clients. The measures count all of them.
          </p>`
    }
    ${
      unsampled === 0
        ? undefined
        : html`<p class="note">
            ${unsampled} of ${listed} clients never took part; they come last.
          </p>`
    }
    ${columnTable(rows, columns)}
    ${hiddenNote(maxRows, listed, "clients; wrong verdicts and failures come first", "records.jsonl")}
    ${hiddenNote(maxMetrics, metricNames.length, "metrics", "records.jsonl")}
  </section>`;
}

function verdictCell(row: ClientRow): string | Html {
  const { mistake, failure } = row;
  const text = failure ? "–" : verdictText(row);
  return mistake === undefined ? text : html`<span class="mistake">${text} (${mistake})</span>`;
}

/** The reason of a verdict and the module that speaks most for it; empty if the row has neither. */
function reasonText({ reason, farthest }: ClientRow): string {
  return [reason, farthest].filter((one) => one !== undefined).join("; ");
}

/**
 * A table of late, lost or refused answers and of rounds that left the params unchanged, in all
 * arms.
 */
export function failureSection(run: Run): Html | undefined {
  const { first, count } = run.failures;
  if (count === 0) return undefined;
  const rows = first.map(({ round, arm, clientId, code, message }) => [
    String(round),
    arm,
    ...(clientId === undefined
      ? ["–", code]
      : [displayName(clientId, run.description), html`<code>${code}</code>`]),
    message,
  ]);
  return html`<section id="failures">
    <h2>Failures</h2>
    <p class="note">
      Clients that took no part in a round's aggregate or did not measure, and rounds that changed
      nothing, with the reasons.
    </p>
    ${table(["round", "arm", "client", "code", "message"], rows)}
    ${hiddenNote(maxRows, count, "failures", "records.jsonl")}
  </section>`;
}

function urgency({ mistake, failure, round }: ClientRow): number {
  if (round === undefined) return -1;
  return mistake !== undefined || failure !== null ? 1 : 0;
}
