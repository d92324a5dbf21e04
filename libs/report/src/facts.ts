import { attackedCount, type PluginChoice, type Trial } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { formatBytes, largest, type Run } from "@fedclair/runs";
import { factList, type Html } from "./html.js";

/** What was run, in a line a fact. */
export function facts(run: Run): Html {
  const { trial, timings } = run;
  const memory = largest(timings.map(({ coordinatorRss }) => coordinatorRss));
  const seconds = sum(timings.map(({ seconds: s }) => s.train + s.aggregate + s.evaluate));
  const lines: readonly (readonly [string, string])[] = [
    ["task", choiceText(trial.task)],
    ["clients", `${trial.clients}, ${contaminatedText(run)}`],
    ["rounds", `${trial.rounds}, ${cohortText(trial)}`],
    ...(trial.devices ? [["simulated time", timeText(trial)] as const] : []),
    ["method", choiceText(trial.aggregator)],
    ["baselines", trial.baselines.map(({ label }) => label).join(", ") || "none"],
    ["seed", String(trial.seed)],
    ...(timings.length === 0
      ? []
      : [
          [
            "cost",
            `${seconds.toPrecision(3)} s in rounds, ${formatBytes(memory)} at the coordinator's peak`,
          ] as const,
        ]),
  ];
  return factList(lines);
}

/** A plug-in's name and options on a line: `clair (rank 4, side left)`. */
export function choiceText({ name, ...options }: PluginChoice): string {
  const listed = Object.entries(options).map(([key, value]) => {
    return `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`;
  });
  return listed.length === 0 ? name : `${name} (${listed.join(", ")})`;
}

function timeText({ devices, schedule }: Trial): string {
  const options = Object.entries(devices ?? {}).map(
    ([key, value]) =>
      `${key} ${typeof value === "object" ? `${value.median} (σ ${value.sigma})` : value}`,
  );
  return `${choiceText(schedule ?? { name: "synchronous" })}; devices ${options.join(", ")}`;
}

function contaminatedText({ trial: { attacks, clients }, summary: { truth } }: Run): string {
  if (attacks.length === 0) return truth === "unknown" ? "truth unknown" : "none contaminated";
  const counts = attacks.map((entry) => attackedCount(entry, clients));
  const each = attacks.map((entry, i) => `${counts[i] ?? 0} by ${choiceText(entry.attack)}`);
  return `${sum(counts)} contaminated: ${each.join("; ")}${truth === "unknown" ? "; truth of the others unknown" : ""}`;
}

function cohortText({ cohort }: Trial): string {
  if (cohort === "all") return "all clients in each";
  return "count" in cohort
    ? `${cohort.count} clients sampled for each`
    : `a fraction of ${cohort.fraction} of the clients sampled for each`;
}
