import { frobenius, Matrix, norm, subtract, symmetricEigen, at } from "@fedclair/linalg";
import { Eigenbasis, type Coupling, type CouplingWeights } from "./eigenbasis.js";
import { computeDegrees, projectBall, proxNegLog } from "./operators.js";
import { createPacer } from "./pace.js";
import type { SolverLimits, Problem } from "./problem.js";
import { subtractVectors } from "./vectors.js";

/** The parts in which rLogSpecT and rSpecT differ inside E-ADMM. */
export interface Model<C extends { readonly gap: number }> {
  /** w_q, the weight of the coupling of degrees; 0 for a model without log term. */
  readonly degreeWeight: number;
  /** Returns the nearest graph that the model allows. */
  project(x: Matrix): Matrix;
  /**
   * Certifies a graph.
   * @param m multiplier of the commutator, skew
   * @param v multipliers of the degrees
   */
  certify(graph: Matrix, m: Matrix, v: Float64Array): C;
}

/** The result of a solver. */
export interface SolverResult<C> {
  readonly certified: C;
  readonly iterations: number;
}

/** The second block of ADMM and the scaled multipliers. */
interface State {
  /** Y, a graph of the model; `uy` is its multiplier. */
  readonly y: Matrix;
  readonly uy: Matrix;
  /** Z, the commutator inside the ball, in the eigenbasis; `uz` is its multiplier. */
  readonly z: Matrix;
  readonly uz: Matrix;
  /** The degrees under the log; `uq` are their multipliers. */
  readonly q: Float64Array;
  readonly uq: Float64Array;
}

/** Over-relaxation θ, below 2. */
const overRelaxation = 1.6;
const certifyEvery = 25;

/**
 * Runs E-ADMM: exact two-block ADMM in the eigenbasis of C. The first block is S, any symmetric
 * matrix. The second block is Y, a graph of the model, Z in the δ-ball, and q, the degrees under
 * the log. It was derived for this platform; its constants were tuned on 20 instances and then held
 * on 60 unseen ones. ‖C‖₂ may have any value.
 */
export async function eadmm<C extends { readonly gap: number }>(
  problem: Problem,
  model: Model<C>,
  { tolerance, maxIterations }: SolverLimits,
): Promise<SolverResult<C>> {
  const eigen = symmetricEigen(problem.covariance);
  const weights = chooseWeights(problem, model.degreeWeight, eigen.values);
  const basis = new Eigenbasis(eigen, weights);
  const pace = createPacer();
  let state = createStart(problem);
  let rho = 10;
  let adaptAt = 50;
  for (let iteration = 1; ; iteration++) {
    await pace();
    const before = state;
    const { y, uy, z, uz, q, uq } = before;
    const coupled = basis.couple(subtract(y, uy), subtract(z, uz), subtractVectors(q, uq), rho);
    state = updateSecondBlock(problem, model, coupled, before, rho);

    if (iteration % certifyEvery === 0 || iteration >= maxIterations) {
      const m = basis.fromBasis(state.uz.scale(rho * weights.commutator));
      const v = state.uq.map((x) => -rho * weights.degrees * x);
      const certified = model.certify(state.y, m, v);
      if (certified.gap <= tolerance || iteration >= maxIterations) {
        return { certified, iterations: iteration };
      }
    }
    if (iteration === adaptAt) {
      const factor = computeImbalance(weights, coupled, before, state);
      if (factor > 1.3 || factor < 1 / 1.3) {
        const bounded = Math.min(Math.max(factor, 0.1), 10);
        rho *= bounded;
        state = rescale(state, 1 / bounded);
      }
      // Adapt less and less often: ADMM converges after finitely many changes of ρ, while a fixed
      // schedule can cycle for ever.
      adaptAt = iteration + Math.max(50, Math.floor(iteration / 3));
    }
  }
}

/** Computes w_y = 1, w_z = 0.1·(α/δ)²/N within 10 … 1e5 over ‖C‖₂², and the model's w_q. */
function chooseWeights(
  { delta, alpha }: Problem,
  degrees: number,
  eigenvalues: Float64Array,
): CouplingWeights {
  const scale = Math.max(...eigenvalues.map(Math.abs)) ** 2;
  const target = (0.1 * (alpha / delta) ** 2) / eigenvalues.length;
  return { graph: 1, commutator: Math.min(Math.max(target, 10 / scale), 1e5 / scale), degrees };
}

/** Creates the starting state, the complete graph of mass αN. */
function createStart({ covariance: { rows: n }, alpha }: Problem): State {
  const y = new Matrix(n, n, new Float64Array(n * n).fill(alpha / (n - 1)));
  for (let i = 0; i < n; i++) y.data[i * (n + 1)] = 0;
  const zero = new Matrix(n, n);
  return { y, uy: zero, z: zero, uz: zero, q: computeDegrees(y), uq: new Float64Array(n) };
}

/** Projects the over-relaxed first block, and takes the step of the multipliers. */
function updateSecondBlock<C extends { readonly gap: number }>(
  { delta, alpha }: Problem,
  model: Model<C>,
  { s, commutator, degrees }: Coupling,
  { y, uy, z, uz, q, uq }: State,
  rho: number,
): State {
  const sMoved = new Matrix(s.rows, s.cols, relax(s.data, y.data, uy.data));
  const yNext = model.project(sMoved);
  const zMoved = new Matrix(s.rows, s.cols, relax(commutator.data, z.data, uz.data));
  const zNext = projectBall(zMoved, delta);
  const blocks = {
    y: yNext,
    uy: subtract(sMoved, yNext),
    z: zNext,
    uz: subtract(zMoved, zNext),
  };
  if (model.degreeWeight === 0) return { ...blocks, q, uq };
  const dMoved = relax(degrees, q, uq);
  const qNext = proxNegLog(dMoved, alpha / (rho * model.degreeWeight));
  return { ...blocks, q: qNext, uq: subtractVectors(dMoved, qNext) };
}

/** Computes θ·first + (1 − θ)·second + multiplier. */
function relax(first: Float64Array, second: Float64Array, multiplier: Float64Array) {
  return first.map(
    (x, i) => overRelaxation * x + (1 - overRelaxation) * at(second, i) + at(multiplier, i),
  );
}

/**
 * Computes √(relative primal residual / relative dual residual), the factor by which ρ should grow.
 */
function computeImbalance(
  weights: CouplingWeights,
  coupled: Coupling,
  before: State,
  after: State,
): number {
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
    norm(subtractVectors(degrees, q)),
  );
  const sizes = weigh(
    Math.max(frobenius(s), frobenius(y)),
    Math.max(frobenius(commutator), frobenius(z)),
    Math.max(norm(degrees), norm(q)),
  );
  // ρ multiplies both the dual residual and the size of the multipliers, so it cancels.
  const dual = weigh(
    frobenius(subtract(y, before.y)),
    frobenius(subtract(z, before.z)),
    norm(subtractVectors(q, before.q)),
  );
  const multipliers = weigh(frobenius(after.uy), frobenius(after.uz), norm(after.uq));
  return Math.sqrt(primal / sizes / (dual / multipliers));
}

/** Rescales the multipliers after ρ has grown by 1/`factor`. */
function rescale({ y, uy, z, uz, q, uq }: State, factor: number): State {
  return { y, z, q, uy: uy.scale(factor), uz: uz.scale(factor), uq: uq.map((x) => factor * x) };
}
