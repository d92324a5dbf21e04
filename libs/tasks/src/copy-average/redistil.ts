import type { Activation } from "./kernels.js";
import { match } from "./match.js";
import { combination, type Network } from "./network.js";
import { train, type Trained } from "./train.js";

/**
 * Trains a student of the clients' size on the mean of their functions, from their matched average. No data are needed: the
 * mean function is itself a network, and the loss is in closed form.
 * @param students at least one, all of one size
 */
export function redistil(activation: Activation, students: readonly Network[]): Promise<Trained> {
  const shares = students.map(() => 1 / students.length);
  const teacher = combination(students, shares);
  return train({ activation, teacher }, match(activation, students).mean);
}
