import { countAttacked, type PluginChoice, type Trial } from "@fedclair/core/internal";
import { sum } from "@fedclair/linalg";
import {
  backendLabel,
  backendText,
  choiceText,
  modTexts,
  refinementText,
  type Run,
} from "@fedclair/runs";
import { factList, type Html } from "./html.js";

/** The facts about a run, one per line; of options, only those that are not at their defaults. */
export function createFacts(run: Run): Html {
  const { trial } = run;
  const backend = backendText(run);
  const refinement = refinementText(run);
  const lines: readonly (readonly [string, string])[] = [
    ["task", changedChoiceText(run, "task", trial.task)],
    ["clients", `${trial.clients}, ${formatContaminated(run)}`],
    ...(trial.external ? [["external clients", trial.external.join(", ")] as const] : []),
    ...(backend === undefined ? [] : [[backendLabel(run), backend] as const]),
    ["rounds", `${trial.rounds}, ${formatCohort(trial)}`],
    ...(trial.devices ? [["simulated time", formatTime(trial)] as const] : []),
    ...(refinement === undefined ? [] : [["refinement", refinement] as const]),
    ...modTexts(run).map((text) => ["mod", text] as const),
    ["seed", String(trial.seed)],
  ];
  return factList(lines);
}

/**
 * Formats a plug-in's name with the options that are not at their defaults; with all of them if the
 * defaults are unknown.
 * @param path the key of the trial at which the plug-in is chosen
 */
export function changedChoiceText(
  { description: { changes } }: Pick<Run, "description">,
  path: string,
  choice: PluginChoice,
): string {
  if (!changes) return choiceText(choice);
  const options = changes.flatMap(({ path: own, value }) =>
    own.startsWith(`${path}.`) && own !== `${path}.name`
      ? [[own.slice(path.length + 1), value] as const]
      : [],
  );
  return choiceText({ ...Object.fromEntries(options), name: choice.name });
}

function formatTime({ devices, schedule }: Trial): string {
  const options = Object.entries(devices ?? {}).map(
    ([key, value]) =>
      `${key} ${typeof value === "object" ? `${value.median} (σ ${value.sigma})` : value}`,
  );
  return `${choiceText(schedule ?? { name: "synchronous" })}; devices ${options.join(", ")}`;
}

function formatContaminated(run: Run): string {
  const { attacks, clients } = run.trial;
  const { unknown } = run.description;
  const open =
    unknown.size > 0 ? `truth of ${unknown.size === clients ? "all" : unknown.size} unknown` : "";
  if (attacks.length === 0) return open || "none contaminated";
  const counts = attacks.map((entry) => countAttacked(entry, clients));
  const each = attacks.map(
    ({ attack }, i) =>
      `${counts[i] ?? 0} by ${changedChoiceText(run, `attacks.${i}.attack`, attack)}`,
  );
  return `${sum(counts)} contaminated: ${each.join("; ")}${open && `; ${open}`}`;
}

function formatCohort({ cohort }: Trial): string {
  if (cohort === "all") return "all clients in each";
  return "count" in cohort
    ? `${cohort.count} clients sampled for each`
    : `a fraction of ${cohort.fraction} of the clients sampled for each`;
}
