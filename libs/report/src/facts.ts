import { countAttacked, type Trial } from "@fedclair/core/internal";
import { sum } from "@fedclair/linalg";
import {
  backendLabel,
  backendText,
  choiceText,
  formatBytes,
  modTexts,
  refinementText,
  type Run,
  type Timings,
} from "@fedclair/runs";
import { factList, type Html } from "./html.js";

/** The facts about a run, one per line. */
export function createFacts(run: Run): Html {
  const { trial, timings } = run;
  const backend = backendText(run);
  const refinement = refinementText(run);
  const lines: readonly (readonly [string, string])[] = [
    ["task", choiceText(trial.task)],
    ["clients", `${trial.clients}, ${formatContaminated(run)}`],
    ...(trial.external ? [["external clients", trial.external.join(", ")] as const] : []),
    ...(backend === undefined ? [] : [[backendLabel(run), backend] as const]),
    ["rounds", `${trial.rounds}, ${formatCohort(trial)}`],
    ...(trial.devices ? [["simulated time", formatTime(trial)] as const] : []),
    ["aggregator", choiceText(trial.aggregator)],
    ["baselines", trial.baselines.map(({ label }) => label).join(", ") || "none"],
    ...(refinement === undefined ? [] : [["refinement", refinement] as const]),
    ...modTexts(run).map((text) => ["mod", text] as const),
    ["seed", String(trial.seed)],
    ...(timings.total ? [["cost", formatCost(timings.total)] as const] : []),
  ];
  return factList(lines);
}

function formatCost({ seconds, coordinatorRss }: NonNullable<Timings["total"]>): string {
  return `${seconds.toPrecision(3)} s in rounds, ${formatBytes(coordinatorRss)} at the coordinator's peak`;
}

function formatTime({ devices, schedule }: Trial): string {
  const options = Object.entries(devices ?? {}).map(
    ([key, value]) =>
      `${key} ${typeof value === "object" ? `${value.median} (σ ${value.sigma})` : value}`,
  );
  return `${choiceText(schedule ?? { name: "synchronous" })}; devices ${options.join(", ")}`;
}

function formatContaminated({
  trial: { attacks, clients },
  description: { unknown },
}: Run): string {
  const open =
    unknown.size > 0 ? `truth of ${unknown.size === clients ? "all" : unknown.size} unknown` : "";
  if (attacks.length === 0) return open || "none contaminated";
  const counts = attacks.map((entry) => countAttacked(entry, clients));
  const each = attacks.map((entry, i) => `${counts[i] ?? 0} by ${choiceText(entry.attack)}`);
  return `${sum(counts)} contaminated: ${each.join("; ")}${open && `; ${open}`}`;
}

function formatCohort({ cohort }: Trial): string {
  if (cohort === "all") return "all clients in each";
  return "count" in cohort
    ? `${cohort.count} clients sampled for each`
    : `a fraction of ${cohort.fraction} of the clients sampled for each`;
}
