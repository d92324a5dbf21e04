import { UserError } from "@fedclair/core";
import { exitCodes, type Trial } from "@fedclair/core/internal";
import { explainExcessLoss } from "./losses.js";
import { countNoun } from "../words/numbers.js";
import type { Summary } from "./summary.js";

/**
 * Lists the faults that determine the exit code of a completed run, the worst first. The list is
 * empty if all went well.
 */
export function listRunFaults(trial: Trial, summary: Summary): readonly UserError[] {
  const stopped = Object.entries(summary.stopped).map(
    ([arm, why]) => new UserError(`${arm} could not go on: ${why}`, exitCodes.stopped),
  );
  const loss = explainExcessLoss(trial, summary);
  return [...stopped, ...(loss === undefined ? [] : [new UserError(loss, exitCodes.lost)])];
}

/** Formats how many arms stopped, like `1 arm stopped`. Returns undefined if none did. */
export function stoppedText(summary: Pick<Summary, "stopped"> | undefined): string | undefined {
  const count = Object.keys(summary?.stopped ?? {}).length;
  return count === 0 ? undefined : `${countNoun(count, "arm")} stopped`;
}
