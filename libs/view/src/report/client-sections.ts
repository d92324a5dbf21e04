import {
  clientRows,
  displayName,
  formatNumber,
  readMetric,
  orderMetrics,
  verdictText,
  type ClientRow,
  type Run,
} from "@fedclair/runs";
import { html, table, type Html } from "./html.js";

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
  const heads = [
    "client",
    "truth",
    ...(hasSeveralRounds ? ["round"] : []),
    ...(hasVerdicts ? ["verdict", "score", "threshold", "rounds flagged"] : []),
    ...metrics.map((metric) => `own ${metric}`),
    ...(hasFailures ? ["failure"] : []),
    ...(hasReasons ? ["reason"] : []),
  ];
  const cells = rows.map((row) => [
    row.display,
    row.truth,
    ...(hasSeveralRounds ? [row.round === undefined ? "never took part" : String(row.round)] : []),
    ...(hasVerdicts ? verdictCells(row) : []),
    ...metrics.map((metric) => formatOptional(readMetric(row.evaluation, metric))),
    ...(hasFailures ? [row.failure ? html`<code>${row.failure.code}</code>` : ""] : []),
    ...(hasReasons ? [reasonText(row)] : []),
  ]);
  return html`<section>
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
    ${table(heads, cells)}
    ${formatHiddenRows(listed, "clients; wrong verdicts and failures come first")}
    ${formatHiddenMetrics(metricNames.length)}
  </section>`;
}

function verdictCells(row: ClientRow): (string | Html)[] {
  const { verdict, mistake, roundsFlagged, roundsJudged, failure } = row;
  const text = failure ? "–" : verdictText(row);
  return [
    mistake === undefined ? text : html`<span class="mistake">${text} (${mistake})</span>`,
    formatOptional(row.score ?? undefined),
    verdict !== undefined && row.threshold === null
      ? "none"
      : formatOptional(row.threshold ?? undefined),
    row.round === undefined ? "–" : `${roundsFlagged}/${roundsJudged}`,
  ];
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
  return html`<section>
    <h2>Failures</h2>
    <p class="note">
      Clients that took no part in a round's aggregate or did not measure, and rounds that changed
      nothing, with the reasons.
    </p>
    ${table(["round", "arm", "client", "code", "message"], rows)}
    ${formatHiddenRows(count, "failures")}
  </section>`;
}

/** A note below a table that shows only its first rows. */
function formatHiddenRows(count: number, what: string): Html | undefined {
  if (count <= maxRows) return undefined;
  return html`<p class="note">
    ${maxRows} of ${count.toLocaleString("en-US")} ${what}; all are in
    <code>records.jsonl</code>.
  </p>`;
}

function formatHiddenMetrics(count: number): Html | undefined {
  if (count <= maxMetrics) return undefined;
  return html`<p class="note">
    ${maxMetrics} of ${count.toLocaleString("en-US")} metrics; all are in
    <code>records.jsonl</code>.
  </p>`;
}

function urgency({ mistake, failure, round }: ClientRow): number {
  if (round === undefined) return -1;
  return mistake !== undefined || failure !== null ? 1 : 0;
}

function formatOptional(value: number | undefined): string {
  return value === undefined ? "–" : formatNumber(value);
}
