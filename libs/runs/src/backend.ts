import {
  backendsFor,
  chooseBackend,
  loadBackend,
  type BackendChoice,
  type BackendName,
} from "@fedclair/compute";
import { pluginOptions, type PreparedTrial } from "@fedclair/core/internal";
import { toUserError } from "./process/main.js";

/** The backend that a process chose, and for people why. */
export interface ChosenBackend {
  readonly name: string;
  readonly why: string;
}

/**
 * Chooses the backend of this process for the trials that it is to run or to coordinate: one for all, for a process keeps to one.
 * `auto` takes TensorFlow's library where it is installed and loads, and all of their tasks say that they train faster on it.
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
 * What a client host can compute with, which learns of its trial later.
 * @throws UserError as `backendsFor`
 */
export function hostBackends(choice: BackendChoice): readonly BackendName[] {
  try {
    return backendsFor(choice);
  } catch (error) {
    return toUserError(error);
  }
}

/**
 * Loads the chosen backend for a task from outside, which finds it there when its clients train. A task that is built in loads it by itself,
 * if it has a use for it: it takes a tenth of a second.
 * @throws UserError if it cannot be loaded
 */
export async function loadForOutside({
  taskPlugin: { name: task },
  outside,
}: Pick<PreparedTrial, "taskPlugin" | "outside">): Promise<void> {
  const isFromOutside = outside.some(({ kind, name }) => kind === "task" && name === task);
  if (isFromOutside) await loadBackend().catch(toUserError);
}
