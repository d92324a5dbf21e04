import { admitUpdate, type Shapes } from "../tensors/admission.js";
import type { Update } from "../tensors/update.js";
import { exitCodes, UserError } from "../words/errors.js";
import { askBefore, type BeforeRounds } from "./ask-before.js";
import { windowSize } from "./gather-streamed.js";

/**
 * Asks clients the task's survey before round 1, and yields the admitted answers in their order.
 * A client that does not answer is left out: its failure is reported in the rounds.
 * @throws UserError (exit code 3) if no client answers
 */
export async function* surveyClients(
  before: BeforeRounds,
  asked: readonly string[],
  expects: Shapes,
): AsyncGenerator<Update> {
  let answered = 0;
  let fault = "none answered";
  for (let start = 0; start < asked.length; start += windowSize) {
    const part = asked.slice(start, start + windowSize);
    const { updates, failures } = await askBefore(before, "survey", part, (update) =>
      admitUpdate(update, expects),
    );
    answered += updates.length;
    for (const [id, { code, message }] of failures) fault = `${id}: ${code} (${message})`;
    yield* updates;
  }
  if (answered > 0) return;
  throw new UserError(`no client answers the survey before round 1: ${fault}`, exitCodes.quorum);
}
