import type { Tensor } from "@fedclair/core";
import { mapTensors, type Answer } from "@fedclair/core/internal";

/** Changes the tensors of the updates in answers. */
export function mapAnswers(
  answers: readonly Answer[],
  change: (tensor: Tensor) => Tensor,
): readonly Answer[] {
  return answers.map((answer) => {
    if (!("update" in answer)) return answer;
    const { update } = answer;
    return { ...answer, update: { ...update, delta: mapTensors(update.delta, change) } };
  });
}
