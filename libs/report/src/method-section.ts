import {
  choiceText,
  compareArms,
  countOf,
  countText,
  countNoun,
  formatNumber,
  measuringClients,
  ownProperty,
  type ArmRow,
  type Run,
} from "@fedclair/runs";
import { html, table, type Html } from "./html.js";

/** Metrics beside one another on a page. */
const maxMetrics = 8;

/** Methods side by side: what clients measured in the last round. Undefined where none measured. */
export function comparisonSection(run: Run): Html | undefined {
  const { rows, metrics, hidden, clientsDiffer } = compareArms(run, maxMetrics);
  if (metrics.length === 0) return undefined;
  const cells = rows.map((row) => [
    row.label,
    countText(row),
    ...metrics.map((metric) => meanText(row, metric)),
  ]);
  return html`<section>
    <h2>Methods</h2>
    <p class="note">
      Means of the ${measuringClients(run.summary)} in the last round, each measured on its own
      data; n: clients.
    </p>
    ${
      clientsDiffer
        ? html`<p class="mistake">
            Clients differ between methods, as some were lost: means are over those that measured
            under every method.
          </p>`
        : undefined
    }
    ${table(["method", "n", ...metrics], cells)}
    ${
      hidden === 0
        ? undefined
        : html`<p class="note">${hidden} more metrics are in <code>summary.json</code>.</p>`
    }
  </section>`;
}

function meanText(row: ArmRow, metric: string): string {
  const own = row.means.get(metric);
  if (!own) return "–";
  const text = formatNumber(own.mean);
  return own.n === countOf(row) ? text : `${text} (n ${own.n})`;
}

function truthSentence({ trial, description: { unknown } }: Run): string {
  const who =
    unknown.size < trial.clients
      ? `Of ${countNoun(unknown.size, "client")} nobody knows whether they are contaminated: they`
      : "Nobody knows which clients are contaminated: they";
  return unknown.size > 0
    ? `${who} are neither hits nor false alarms.`
    : "Truth is known to the simulation alone: no aggregator sees which clients are contaminated, except an oracle, which is given the benign ones only.";
}

/** What a reader needs to judge the comparison: which updates every method saw. */
export function methodSection(run: Run): Html {
  const { trial, arms, summary } = run;
  const losses = new Map(
    summary.details
      .filter(({ scope }) => scope === "lost")
      .map(({ arm = arms[0].label, value, n = 0 }) => [
        arm,
        value === 0 ? "0" : `${formatNumber(value)} of ${formatNumber(n)}`,
      ]),
  );
  const rows = arms.map(({ label, choice, benignOnly }, i) => [
    label,
    i === 0 ? "under study" : "baseline",
    choiceText(choice),
    benignOnly ? "benign only (oracle)" : "all",
    `${run.rounds.get(label) ?? 0} of ${trial.rounds}`,
    losses.get(label) ?? "–",
    ownProperty(summary.stopped, label) ?? "",
  ]);
  const pairing =
    arms.length === 1
      ? undefined
      : html`<p>
          Round 1 of every method uses the same collected updates, since all start from the same
          params with the same random streams; from round 2 on each baseline is a paired run: same
          seed, cohorts, data and initialisation.
        </p>`;
  return html`<section>
    <h2>How it was run</h2>
    ${pairing}
    <p>
      ${truthSentence(run)} Measures of evaluation are taken by the ${measuringClients(summary)} on
      their own data.
    </p>
    ${table(
      ["method", "role", "aggregator", "clients", "rounds", "answers lost", "why it stopped"],
      rows,
    )}
  </section>`;
}
