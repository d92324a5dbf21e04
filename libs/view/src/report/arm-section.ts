import {
  compareArms,
  countOf,
  countText,
  countNoun,
  formatNumber,
  guessingRow,
  measuringClients,
  totalLosses,
  ownProperty,
  type ArmRow,
  type Run,
} from "@fedclair/runs";
import { changedChoiceText, createFacts } from "./facts.js";
import { html, table, type Html } from "./html.js";

/** Maximum number of metrics in the table. */
const maxMetrics = 8;

/**
 * A table of the metrics that clients measured in the last round, one row per arm. Undefined if no
 * client measured.
 */
export function comparisonSection(run: Run): Html | undefined {
  const { rows, metrics, hidden, clientsDiffer } = compareArms(run, maxMetrics);
  if (metrics.length === 0) return undefined;
  const cells = rows.map((row) => [
    row.label,
    countText(row),
    ...metrics.map((metric) => formatMean(row, metric)),
  ]);
  return html`<section id="arms">
    <h2>Arms</h2>
    <p class="note">
      Means of the ${measuringClients(run.summary)} in the last round, each measured on its own
      data; n: clients.
    </p>
    ${
      clientsDiffer
        ? html`<p class="mistake">
            Clients differ between arms because some were lost: means are over those that measured
            in every arm.
          </p>`
        : undefined
    }
    ${table(["arm", "n", ...metrics], [...cells, ...guessingRow(run, metrics)])}
    ${
      hidden === 0
        ? undefined
        : html`<p class="note">${hidden} more metrics are in <code>summary.json</code>.</p>`
    }
  </section>`;
}

function formatMean(row: ArmRow, metric: string): string {
  const own = row.means.get(metric);
  if (!own) return "–";
  const text = formatNumber(own.mean);
  return own.n === countOf(row) ? text : `${text} (n ${own.n})`;
}

function formatTruth({ trial, description: { unknown } }: Run): string {
  const subject =
    unknown.size < trial.clients
      ? `For ${countNoun(unknown.size, "client")} the truth is unknown: they`
      : "The truth is unknown for all clients: they";
  return unknown.size > 0
    ? `${subject} are neither hits nor false alarms.`
    : "Only the simulation knows the truth: no aggregator sees which clients are contaminated, except an oracle, which receives only the benign ones.";
}

/** The facts needed to judge the comparison, such as which updates every arm received. */
export function armSection(run: Run): Html {
  const { trial, arms, summary } = run;
  const losses = new Map(
    totalLosses(summary).arms.map(({ arm = arms[0].label, value, n = 0 }) => [
      arm,
      value === 0 ? "0" : `${formatNumber(value)} of ${formatNumber(n)}`,
    ]),
  );
  const rows = arms.map(({ label, choice, benignOnly }, i) => [
    label,
    i === 0 ? "main" : "baseline",
    changedChoiceText(run, i === 0 ? "aggregator" : `baselines.${i - 1}.aggregator`, choice),
    benignOnly ? "benign only (oracle)" : "all",
    `${run.rounds.get(label) ?? 0} of ${trial.rounds}`,
    losses.get(label) ?? "–",
    ownProperty(summary.stopped, label) ?? "",
  ]);
  const pairing =
    arms.length === 1
      ? undefined
      : html`<p>
          Round 1 of every arm uses the same collected updates, since all start from the same params
          with the same random streams; from round 2 on each baseline is a paired run: same seed,
          cohorts, data and initialisation.
        </p>`;
  return html`<section id="setup">
    <h2>How it was run</h2>
    ${createFacts(run)} ${pairing}
    <p>
      ${formatTruth(run)} Measures of evaluation are taken by the ${measuringClients(summary)} on
      their own data.
    </p>
    ${table(
      ["arm", "role", "aggregator", "clients", "rounds", "answers lost", "why it stopped"],
      rows,
    )}
  </section>`;
}
