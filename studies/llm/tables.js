// Results of the trials of trials/llm as Markdown tables.
import { markdown } from "../support/text.js";

/**
 * @param runs one run per seed: its summary, records, seconds, and CPU seconds and memory of all
 *   processes
 * @param before each client's metrics of the model before training, by client id
 */
export function tables(runs, before) {
  return [verdicts(runs), perplexities(runs, before), costs(runs)].join("\n\n") + "\n";
}

/** One row per round: the number of clients of each kind by verdict of the main arm. */
function verdicts(runs) {
  const rows = [["seed", "round", "benign", "random targets", "trigger"]];
  for (const { seed, summary, records } of runs) {
    for (const { arm, round, clients } of records) {
      if (arm !== summary.arms[0]) continue;
      const of = (attack) => counts(clients.filter((client) => client.attack === attack));
      rows.push([seed, round, of(null), of("random-targets"), of("trigger")]);
    }
  }
  return markdown(rows);
}

function counts(clients) {
  const found = {};
  for (const { verdict = "no answer" } of clients) found[verdict] = (found[verdict] ?? 0) + 1;
  const parts = Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1));
  return parts.map(([verdict, count]) => `${count} ${verdict}`).join(", ");
}

/** One row per arm: means over the benign clients after the last round, one column per seed. */
function perplexities(runs, before) {
  const metrics = ["perplexity", "planted"];
  const benign = runs[0].records[0].clients.filter(({ attack }) => attack === null);
  const mean = (metric) =>
    benign.reduce((sum, { clientId }) => sum + before[clientId][metric], 0) / benign.length;
  const first = metrics.flatMap((metric) => runs.map(() => mean(metric).toFixed(2)));
  const head = metrics.flatMap((metric) => runs.map(({ seed }) => `${metric}, seed ${seed}`));
  const rows = runs[0].summary.arms.map((arm) => [
    arm,
    ...metrics.flatMap((metric) =>
      runs.map(({ summary }) => summary.measures[`${metric}.${arm}`]?.toFixed(2) ?? ""),
    ),
  ]);
  return markdown([["arm", ...head], ["no training", ...first], ...rows]);
}

function costs(runs) {
  const rows = runs.map(({ seed, seconds, cpuSeconds, megabytes, summary: { measures } }) => [
    seed,
    Math.round(seconds),
    Math.round(cpuSeconds),
    Math.round(megabytes),
    (measures["bytes.up"] / 1e6).toFixed(1),
    (measures["bytes.down"] / 1e6).toFixed(1),
  ]);
  const head = ["seed", "seconds", "CPU seconds", "MB of memory", "MB up", "MB down"];
  return markdown([head, ...rows]);
}
