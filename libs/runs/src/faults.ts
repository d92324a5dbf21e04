import { UserError } from "@fedclair/core";
import { exitCodes, type Trial } from "@fedclair/core/internal";
import { excessLoss } from "./losses.js";
import type { Summary } from "./summary.js";

/** What the exit code of a run that came to its end has to tell, the worst first; nothing if all went well. */
export function runFaults(trial: Trial, summary: Summary): readonly UserError[] {
  const stopped = Object.entries(summary.stopped).map(
    ([arm, why]) => new UserError(`${arm} could not go on: ${why}`, exitCodes.stopped),
  );
  const loss = excessLoss(trial, summary);
  return [...stopped, ...(loss === undefined ? [] : [new UserError(loss, exitCodes.lost)])];
}
