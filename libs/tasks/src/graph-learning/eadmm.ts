import { frobenius, Matrix, norm, subtract, symmetricEigen, at } from "@fedclair/linalg";
import { Eigenbasis, type Coupled, type Weights } from "./eigenbasis.js";
import { degreesOf, projectBall, proxNegLog } from "./operators.js";
import { pacer } from "./pace.js";
import type { Effort, Problem } from "./problem.js";
import { minus } from "./vectors.js";

/** What tells rLogSpecT from rSpecT inside E-ADMM. */
export interface Model<C extends { readonly gap: number }> {
  /** w_q, the weight of the coupling of degrees; 0: the model has no log term. */
  readonly degreeWeight: number;
  /** The nearest graph that the model allows. */
  project(x: Matrix): Matrix;
  /** @param m multiplier of the commutator, skew @param v multipliers of the degrees */
  certify(graph: Matrix, m: Matrix, v: Float64Array): C;
}

/** What a solver ended with. */
export interface Iterated<C> {
  readonly certified: C;
  readonly iterations: number;
}

/** The second block of ADMM and the scaled multipliers. */
interface State {
  /** Y, a graph of the model, and its multiplier. */
  readonly y: Matrix;
  readonly uy: Matrix;
  /** Z, the commutator inside the ball, in the eigenbasis. */
  readonly z: Matrix;
  readonly uz: Matrix;
  /** The degrees under the log. */
  readonly q: Float64Array;
  readonly uq: Float64Array;
}

/** θ < 2 */
const overRelaxation = 1.6;
const certifyEvery = 25;

/**
 * E-ADMM: exact two-block ADMM in the eigenbasis of C. One block is S, any symmetric matrix; the other Y, a graph of the
 * model, Z in the δ-ball, and q, the degrees under the log. Derived for this platform; its constants were tuned on 20
 * instances and then held on 60 unseen ones. ‖C‖₂ may be anything.
 */
export async function eadmm<C extends { readonly gap: number }>(
  problem: Problem,
  model: Model<C>,
  { tolerance, maxIterations }: Effort,
): Promise<Iterated<C>> {
  const eigen = symmetricEigen(problem.covariance);
  const weights = weightsOf(problem, model.degreeWeight, eigen.values);
  const basis = new Eigenbasis(eigen, weights);
  const pace = pacer();
  let state = start(problem);
  let rho = 10;
  let adaptAt = 50;
  for (let iteration = 1; ; iteration++) {
    await pace();
    const before = state;
    const { y, uy, z, uz, q, uq } = before;
    const coupled = basis.couple(subtract(y, uy), subtract(z, uz), minus(q, uq), rho);
    state = secondBlock(problem, model, coupled, before, rho);

    if (iteration % certifyEvery === 0 || iteration >= maxIterations) {
      const m = basis.fromBasis(state.uz.scale(rho * weights.commutator));
      const v = state.uq.map((x) => -rho * weights.degrees * x);
      const certified = model.certify(state.y, m, v);
      if (certified.gap <= tolerance || iteration >= maxIterations) {
        return { certified, iterations: iteration };
      }
    }
    if (iteration === adaptAt) {
      const factor = imbalance(weights, coupled, before, state);
      if (factor > 1.3 || factor < 1 / 1.3) {
        const bounded = Math.min(Math.max(factor, 0.1), 10);
        rho *= bounded;
        state = rescaled(state, 1 / bounded);
      }
      // Ever rarer: ADMM converges after finitely many changes, while a fixed schedule can cycle for ever.
      adaptAt = iteration + Math.max(50, Math.floor(iteration / 3));
    }
  }
}

/** w_y = 1, w_z = 0.1·(α/δ)²/N within 10 … 1e5 over ‖C‖₂², and the model's w_q. */
function weightsOf({ delta, alpha }: Problem, degrees: number, eigenvalues: Float64Array): Weights {
  const scale = Math.max(...eigenvalues.map(Math.abs)) ** 2;
  const wanted = (0.1 * (alpha / delta) ** 2) / eigenvalues.length;
  return { graph: 1, commutator: Math.min(Math.max(wanted, 10 / scale), 1e5 / scale), degrees };
}

/** The complete graph of mass αN. */
function start({ covariance: { rows: n }, alpha }: Problem): State {
  const y = new Matrix(n, n, new Float64Array(n * n).fill(alpha / (n - 1)));
  for (let i = 0; i < n; i++) y.data[i * (n + 1)] = 0;
  const zero = new Matrix(n, n);
  return { y, uy: zero, z: zero, uz: zero, q: degreesOf(y), uq: new Float64Array(n) };
}

/** Projections of the over-relaxed first block, and the step of the multipliers. */
function secondBlock<C extends { readonly gap: number }>(
  { delta, alpha }: Problem,
  model: Model<C>,
  { s, commutator, degrees }: Coupled,
  { y, uy, z, uz, q, uq }: State,
  rho: number,
): State {
  const sMoved = new Matrix(s.rows, s.cols, relaxed(s.data, y.data, uy.data));
  const yNext = model.project(sMoved);
  const zMoved = new Matrix(s.rows, s.cols, relaxed(commutator.data, z.data, uz.data));
  const zNext = projectBall(zMoved, delta);
  const blocks = {
    ...{ y: yNext, uy: subtract(sMoved, yNext) },
    ...{ z: zNext, uz: subtract(zMoved, zNext) },
  };
  if (model.degreeWeight === 0) return { ...blocks, q, uq };
  const dMoved = relaxed(degrees, q, uq);
  const qNext = proxNegLog(dMoved, alpha / (rho * model.degreeWeight));
  return { ...blocks, q: qNext, uq: minus(dMoved, qNext) };
}

/** θ·first + (1 − θ)·second + multiplier */
function relaxed(first: Float64Array, second: Float64Array, multiplier: Float64Array) {
  return first.map(
    (x, i) => overRelaxation * x + (1 - overRelaxation) * at(second, i) + at(multiplier, i),
  );
}

/** √(relative primal residual / relative dual residual): the factor by which ρ should grow. */
function imbalance(weights: Weights, coupled: Coupled, before: State, after: State): number {
  const { s, commutator, degrees } = coupled;
  const weigh = (graph: number, ball: number, log: number) =>
    Math.hypot(
      Math.sqrt(weights.graph) * graph,
      Math.sqrt(weights.commutator) * ball,
      Math.sqrt(weights.degrees) * log,
    );
  const { y, z, q } = after;
  const primal = weigh(
    frobenius(subtract(s, y)),
    frobenius(subtract(commutator, z)),
    norm(minus(degrees, q)),
  );
  const sizes = weigh(
    Math.max(frobenius(s), frobenius(y)),
    Math.max(frobenius(commutator), frobenius(z)),
    Math.max(norm(degrees), norm(q)),
  );
  // ρ stands before both the dual residual and the size of the multipliers, and cancels.
  const dual = weigh(
    frobenius(subtract(y, before.y)),
    frobenius(subtract(z, before.z)),
    norm(minus(q, before.q)),
  );
  const multipliers = weigh(frobenius(after.uy), frobenius(after.uz), norm(after.uq));
  return Math.sqrt(primal / sizes / (dual / multipliers));
}

/** Scaled multipliers after ρ has grown by 1/`factor`. */
function rescaled({ y, uy, z, uz, q, uq }: State, factor: number): State {
  return { y, z, q, uy: uy.scale(factor), uz: uz.scale(factor), uq: uq.map((x) => factor * x) };
}
