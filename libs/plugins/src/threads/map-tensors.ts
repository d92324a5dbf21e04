import type { Delta, Tensor } from "@fedclair/core";
import { eachTensor, type Answer } from "@fedclair/core/internal";

/** Changes the tensors of the updates in answers. */
export function mapTensors(
  answers: readonly Answer[],
  change: (tensor: Tensor) => Tensor,
): readonly Answer[] {
  const changeDelta = (delta: Delta): Delta =>
    new Map([...delta].map(([name, one]) => [name, eachTensor(one, change)]));
  return answers.map((answer) => {
    if (!("update" in answer)) return answer;
    const { update } = answer;
    return { ...answer, update: { ...update, delta: changeDelta(update.delta) } };
  });
}
