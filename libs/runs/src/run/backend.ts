import { backendsFor, chooseBackend } from "@fedclair/compute";
import type { BackendChoice, BackendName } from "@fedclair/compute/choices";
import { pluginOptions, type PreparedTrial } from "@fedclair/core/internal";
import { toUserError } from "../process/main.js";

/** The backend that a process chose, with the reason for people. */
export interface ChosenBackend {
  readonly name: string;
  readonly why: string;
}

/**
 * Chooses this process's backend for the trials that it will run or coordinate. A process uses one
 * backend for all its trials. `auto` picks TensorFlow's library if it is installed and loads, and
 * if the tasks of all trials say that they train faster on it.
 * @throws UserError as `chooseBackend`
 */
export function chooseTrialBackend(
  trials: readonly Pick<PreparedTrial, "trial" | "taskPlugin">[],
  choice: BackendChoice,
): ChosenBackend {
  const isFaster = ({ trial, taskPlugin }: (typeof trials)[number]) =>
    taskPlugin.backend?.(pluginOptions(trial.task) as never) === "tensorflow";
  try {
    return chooseBackend(choice, trials.every(isFaster) ? "tensorflow" : "wasm");
  } catch (error) {
    return toUserError(error);
  }
}

/**
 * Lists the backends that a client host can use. The host does not know its trial yet.
 * @throws UserError as `backendsFor`
 */
export function hostBackends(choice: BackendChoice): readonly BackendName[] {
  try {
    return backendsFor(choice);
  } catch (error) {
    return toUserError(error);
  }
}
