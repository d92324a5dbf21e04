import {
  clientRows,
  displayName,
  formatNumber,
  type ClientLabel,
  type ClientRow,
} from "@fedclair/runs";
import { html, table, type Html } from "./html.js";
import { studied, type Run } from "./run.js";

/** Longer tables are cut: the records hold every row. */
const maxRows = 300;

/** Every client, as of the last round that judged it; mistakes and failures first where the table must be cut. */
export function clientSection(run: Run, label?: ClientLabel): Html | undefined {
  const own = studied(run);
  const all = clientRows(own, label);
  if (all.length === 0) return undefined;
  const rows =
    all.length <= maxRows ? all : all.toSorted((a, b) => urgency(b) - urgency(a)).slice(0, maxRows);
  const metrics = [...new Set(rows.flatMap(({ evaluation }) => Object.keys(evaluation)))];
  const judged = rows.some(({ verdict }) => verdict !== undefined);
  const failed = rows.some(({ failure }) => failure);
  const rounds = new Set(all.map(({ round }) => round));
  const heads = [
    "client",
    "truth",
    ...(rounds.size > 1 ? ["round"] : []),
    ...(judged ? ["verdict", "score", "threshold", "rounds flagged"] : []),
    ...metrics.map((metric) => `own ${metric}`),
    ...(failed ? ["failure"] : []),
  ];
  const cells = rows.map((row) => [
    row.display,
    row.attack ?? "benign",
    ...(rounds.size > 1 ? [String(row.round)] : []),
    ...(judged ? verdictCells(row) : []),
    ...metrics.map((metric) => numberText(row.evaluation[metric])),
    ...(failed ? [row.failure ? html`<code>${row.failure.code}</code>` : ""] : []),
  ]);
  return html`<section>
    ${
      rounds.size > 1
        ? html`<h2>Clients</h2>
            <p class="note">
              Each as of
              ${judged ? "the last round that judged it or in which it failed" : "its last round"}.
            </p>`
        : html`<h2>Clients of round ${[...rounds].join("")}</h2>`
    }
    ${table(heads, cells)} ${cut(all.length, "clients; wrong verdicts and failures come first")}
  </section>`;
}

function verdictCells(row: ClientRow): (string | Html)[] {
  const { verdict, reason, mistake, roundsFlagged, roundsJudged } = row;
  const said = (verdict ?? "–") + (reason === undefined ? "" : `: ${reason}`);
  return [
    mistake === undefined ? said : html`<span class="mistake">${said} (${mistake})</span>`,
    numberText(row.score ?? undefined),
    verdict !== undefined && row.threshold === null
      ? "none"
      : numberText(row.threshold ?? undefined),
    `${roundsFlagged}/${roundsJudged}`,
  ];
}

/** Every late, lost or refused answer, of every arm. */
export function failureSection({ records }: Run, label?: ClientLabel): Html | undefined {
  const rows = records.flatMap(({ arm, round, clients }) =>
    clients.flatMap(({ clientId, failure }) =>
      failure
        ? [
            [
              String(round),
              arm,
              displayName(clientId, label),
              html`<code>${failure.code}</code>`,
              failure.message,
            ],
          ]
        : [],
    ),
  );
  if (rows.length === 0) return undefined;
  return html`<section>
    <h2>Failures</h2>
    <p class="note">Clients that take no part in a round's aggregate, and why.</p>
    ${table(["round", "method", "client", "code", "message"], rows.slice(0, maxRows))}
    ${cut(rows.length, "failures")}
  </section>`;
}

function cut(count: number, what: string): Html | undefined {
  if (count <= maxRows) return undefined;
  return html`<p class="note">
    ${maxRows} of ${count} ${what}; all are in <code>records.jsonl</code>.
  </p>`;
}

function urgency({ mistake, failure }: ClientRow): number {
  return mistake !== undefined || failure !== null ? 1 : 0;
}

function numberText(value: number | undefined): string {
  return value === undefined ? "–" : formatNumber(value);
}
