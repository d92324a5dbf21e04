import type { Plugins } from "./contracts.js";
import type { Trial } from "./trial.js";

/**
 * Is it unknown whether the clients that no attack names are benign? If the trial says so; and where clients are not
 * simulated and the trial declares none of them contaminated.
 */
export function isTruthUnknown(trial: Trial, { tasks }: Pick<Plugins, "tasks">): boolean {
  if (trial.truth !== undefined) return trial.truth === "unknown";
  return (tasks.get(trial.task.name)?.isForeign ?? false) && trial.attacks.length === 0;
}
