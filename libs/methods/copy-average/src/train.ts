import { cholesky, multiply, multiplyTN, solveUpper, type Matrix } from "@fedclair/linalg";
import { Distillation } from "./distillation.js";
import { gradientFlow, largest } from "./gradient-flow.js";
import type { Activation } from "./kernels.js";
import { flatten, networkOf, type Network } from "./network.js";
import { polish } from "./polish.js";

/** The target and the inputs from which a student learns. */
export interface Lesson {
  readonly activation: Activation;
  readonly teacher: Network;
  /** Σ, d×d, the covariance of the inputs x ~ N(0, Σ); absent for the identity. */
  readonly covariance?: Matrix;
}

/** A trained student and its training statistics. */
export interface TrainedStudent {
  readonly student: Network;
  /** Loss on the lesson's own inputs. */
  readonly loss: number;
  /** Largest absolute entry of the gradient at the end. */
  readonly slope: number;
  /** Number of gradients that the flow computed. */
  readonly evaluations: number;
}

/** A run whose final gradient has a larger entry did not converge. */
export const convergedSlope = 1e-8;

/**
 * Trains a student to a minimum of its loss: first gradient flow in its own weights, then Newton
 * steps.
 */
export async function train(lesson: Lesson, start: Network): Promise<TrainedStudent> {
  const loss = new LessonLoss(lesson, start.out.length);
  const flow = await gradientFlow((x) => loss.gradient(x), flatten(start));
  const x = loss.unwhiten(await polish(loss.whitened, loss.whiten(flow.x)));
  return {
    student: networkOf(x, start.out.length, start.hidden.rows),
    loss: loss.value(x),
    slope: largest(loss.gradient(x)),
    evaluations: flow.evaluations,
  };
}

/**
 * The loss over x ~ N(0, Σ), Σ = RᵀR. It equals the loss of the weights R·w over N(0, I), so one
 * closed form serves all inputs. Parameters are flat, as returned by `flatten`.
 */
export class LessonLoss {
  /** The loss as a function of the weights R·w. */
  readonly whitened: Distillation;
  readonly #n: number;
  readonly #d: number;
  /** R; absent for the identity. */
  readonly #root: Matrix | undefined;

  /**
   * @param n neurons of the student
   * @throws Error if Σ is not positive definite
   */
  constructor({ activation, teacher, covariance }: Lesson, n: number) {
    this.#n = n;
    this.#d = teacher.hidden.rows;
    this.#root = covariance && cholesky(covariance);
    if (covariance && !this.#root) {
      throw new Error("covariance of the inputs: expected a positive definite matrix");
    }
    this.whitened = new Distillation(activation, this.#whitenNetwork(teacher), n);
  }

  value(x: Float64Array): number {
    return this.whitened.value(this.whiten(x));
  }

  /** Applies the chain rule: Rᵀ·(∂L/∂(Rw)). */
  gradient(x: Float64Array): Float64Array {
    const gradient = this.whitened.gradient(this.whiten(x));
    if (!this.#root) return gradient;
    const { hidden, out } = this.#network(gradient);
    return flatten({ hidden: multiplyTN(this.#root, hidden), out });
  }

  whiten(x: Float64Array): Float64Array {
    return this.#root ? flatten(this.#whitenNetwork(this.#network(x))) : x;
  }

  unwhiten(x: Float64Array): Float64Array {
    if (!this.#root) return x;
    const { hidden, out } = this.#network(x);
    return flatten({ hidden: solveUpper(this.#root, hidden), out });
  }

  #network(x: Float64Array): Network {
    return networkOf(x, this.#n, this.#d);
  }

  #whitenNetwork({ hidden, out }: Network): Network {
    return { hidden: this.#root ? multiply(this.#root, hidden) : hidden, out };
  }
}
