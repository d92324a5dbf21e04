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

/** Longer tables are cut: the records hold every row. */
const maxRows = 300;
/** Wider ones too. */
const maxMetrics = 12;

/** Every client, as of the last round that judged it; mistakes and failures first where the table must be cut. */
export function clientSection(run: Run): Html | undefined {
  const all = clientRows(run);
  if (all.length === 0) return undefined;
  const rows =
    all.length <= maxRows ? all : all.toSorted((a, b) => urgency(b) - urgency(a)).slice(0, maxRows);
  const known = orderMetrics(
    new Set(rows.flatMap(({ evaluation }) => Object.keys(evaluation))),
    run.description,
  );
  const metrics = known.slice(0, maxMetrics);
  const judged = rows.some(({ verdict }) => verdict !== undefined);
  const failed = rows.some(({ failure }) => failure);
  const clients = run.trial.clients;
  const unsampled = clients - all.filter(({ round }) => round !== undefined).length;
  const rounds = new Set(all.flatMap(({ round }) => round ?? []));
  const several = rounds.size > 1;
  const heads = [
    "client",
    "truth",
    ...(several ? ["round"] : []),
    ...(judged ? ["verdict", "score", "threshold", "rounds flagged"] : []),
    ...metrics.map((metric) => `own ${metric}`),
    ...(failed ? ["failure"] : []),
  ];
  const cells = rows.map((row) => [
    row.display,
    row.truth,
    ...(several ? [row.round === undefined ? "never sampled" : String(row.round)] : []),
    ...(judged ? verdictCells(row) : []),
    ...metrics.map((metric) => numberText(readMetric(row.evaluation, metric))),
    ...(failed ? [row.failure ? html`<code>${row.failure.code}</code>` : ""] : []),
  ]);
  return html`<section>
    ${
      several
        ? html`<h2>Clients</h2>
            <p class="note">
              Each as of
              ${judged ? "the last round that judged it or in which it failed" : "its last round"}.
            </p>`
        : html`<h2>Clients of round ${[...rounds].join("")}</h2>`
    }
    ${
      unsampled === 0
        ? undefined
        : html`<p class="note">
            ${unsampled} of ${clients} clients were never sampled; they come last.
          </p>`
    }
    ${table(heads, cells)} ${cut(clients, "clients; wrong verdicts and failures come first")}
    ${cutMetrics(known.length)}
  </section>`;
}

function verdictCells(row: ClientRow): (string | Html)[] {
  const { verdict, reason, mistake, roundsFlagged, roundsJudged, failure } = row;
  const said = (failure ? "–" : verdictText(row)) + (reason === undefined ? "" : `: ${reason}`);
  return [
    mistake === undefined ? said : html`<span class="mistake">${said} (${mistake})</span>`,
    numberText(row.score ?? undefined),
    verdict !== undefined && row.threshold === null
      ? "none"
      : numberText(row.threshold ?? undefined),
    row.round === undefined ? "–" : `${roundsFlagged}/${roundsJudged}`,
  ];
}

/** Late, lost or refused answers, and rounds that left the params as they were, of every arm. */
export function failureSection({ failures: { first, count }, description }: Run): Html | undefined {
  if (count === 0) return undefined;
  const rows = first.map(({ round, arm, clientId, code, message }) => [
    ...[String(round), arm],
    ...(clientId === undefined
      ? ["–", code]
      : [displayName(clientId, description), html`<code>${code}</code>`]),
    message,
  ]);
  return html`<section>
    <h2>Failures</h2>
    <p class="note">
      Clients that took no part in a round's aggregate or did not measure, and rounds that changed
      nothing, with the reasons.
    </p>
    ${table(["round", "method", "client", "code", "message"], rows)} ${cut(count, "failures")}
  </section>`;
}

/** For a table of which no more than the first rows are shown. */
export function cut(count: number, what: string): Html | undefined {
  if (count <= maxRows) return undefined;
  return html`<p class="note">
    ${maxRows} of ${count.toLocaleString("en-US")} ${what}; all are in <code>records.jsonl</code>.
  </p>`;
}

function cutMetrics(count: number): Html | undefined {
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

function numberText(value: number | undefined): string {
  return value === undefined ? "–" : formatNumber(value);
}
