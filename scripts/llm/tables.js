// What runs of a trial of trials/llm show, as Markdown.
import { markdown } from "../train-adapters/table.js";

/**
 * @param runs a seed each: its summary, records, seconds and memory
 * @param before what each client measured of the model as it comes, by id
 */
export function tables(runs, before) {
  return [verdicts(runs), perplexities(runs, before), costs(runs)].join("\n\n") + "\n";
}

/** A row a round: of each kind of client, how many got which verdict of the method under study. */
function verdicts(runs) {
  const rows = [["seed", "round", "honest", "random targets", "trigger"]];
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

/** A row a method: means over the honest clients after the last round, a column a seed. */
function perplexities(runs, before) {
  const metrics = ["perplexity", "planted"];
  const honest = runs[0].records[0].clients.filter(({ attack }) => attack === null);
  const mean = (metric) =>
    honest.reduce((sum, { clientId }) => sum + before[clientId][metric], 0) / honest.length;
  const first = metrics.flatMap((metric) => runs.map(() => mean(metric).toFixed(2)));
  const head = metrics.flatMap((metric) => runs.map(({ seed }) => `${metric}, seed ${seed}`));
  const rows = runs[0].summary.arms.map((arm) => [
    arm,
    ...metrics.flatMap((metric) =>
      runs.map(({ summary }) => summary.measures[`${metric}.${arm}`]?.toFixed(2) ?? ""),
    ),
  ]);
  return markdown([["method", ...head], ["no training", ...first], ...rows]);
}

function costs(runs) {
  const rows = runs.map(({ seed, seconds, memory, summary: { measures } }) => [
    seed,
    Math.round(seconds),
    memory.coordinator ?? "",
    memory.host ?? "",
    (measures["bytes.up"] / 1e6).toFixed(1),
    (measures["bytes.down"] / 1e6).toFixed(1),
  ]);
  const head = ["seed", "seconds", "MB, coordinator", "MB, a host", "MB up", "MB down"];
  return markdown([head, ...rows]);
}
