import type { Activation } from "./kernels.js";
import { match } from "./match.js";
import { combine, type Network } from "./network.js";
import { train, type TrainedStudent } from "./train.js";

/**
 * Trains a student of the clients' size on the mean of their functions, starting from their matched
 * average. It works without data, because the mean function is itself a network, and the loss is in
 * closed form.
 * @param students at least one, all of the same size
 */
export function redistil(
  activation: Activation,
  students: readonly Network[],
): Promise<TrainedStudent> {
  const shares = students.map(() => 1 / students.length);
  const teacher = combine(students, shares);
  return train({ activation, teacher }, match(activation, students).mean);
}
