import { addScaled, frobenius, Matrix, norm, subtract, at } from "@fedclair/linalg";
import { certify, type Certified } from "./certificate.js";
import type { Iterated } from "./eadmm.js";
import {
  commutator,
  commutatorAdjoint,
  degreesOf,
  projectBall,
  projectGraph,
  proxNegLog,
} from "./operators.js";
import { pacer } from "./pace.js";
import { spectralNorm, type Effort, type Problem } from "./problem.js";
import { minus } from "./vectors.js";

/** One iterate of L-ADMM. */
export interface LadmmState {
  /** S, a graph, and what follows from it. */
  readonly s: Matrix;
  readonly commutator: Matrix;
  readonly degrees: Float64Array;
  /** Z, in the ball, and its multiplier Λ, skew both. */
  readonly z: Matrix;
  readonly lambda: Matrix;
  /** The degrees under the log and their multiplier. */
  readonly q: Float64Array;
  readonly v: Float64Array;
}

/** τ₁: the linearisation is τ₁ times what is safe for certain; above 0.75 suffices by the sharper bound of two blocks. */
export const linearisation = 0.75;
const adaptEvery = 100;

/**
 * L-ADMM, the paper's solver (Liu, Zhu, So, arXiv 2305.01379; order of updates and constants after a public
 * reproduction): ADMM whose S-step is linearised, so that all steps have closed forms. Slow for small δ.
 */
export async function ladmm(
  problem: Problem,
  { tolerance, maxIterations }: Effort,
): Promise<Iterated<Certified>> {
  // At ‖C‖₂ = 1 it is about three times slower, at raw covariances it hardly moves.
  const n = problem.covariance.rows;
  const scale = (2 * Math.sqrt(n)) / spectralNorm(problem.covariance);
  const scaled = {
    covariance: problem.covariance.scale(scale),
    delta: problem.delta * scale,
    alpha: problem.alpha,
  };
  const tau = linearisation * linearisationBound(scaled.covariance);
  const pace = pacer();
  let state = ladmmStart(scaled, problem.alpha / (n - 1));
  let rho = 4;
  for (let iteration = 1; ; iteration++) {
    await pace();
    const before = state;
    state = ladmmStep(scaled, state, rho, tau);
    if (iteration % adaptEvery !== 0 && iteration < maxIterations) continue;

    const certified = certify(scaled, state.s, state.lambda, state.v);
    if (certified.gap <= tolerance || iteration >= maxIterations) {
      // ⟨M, comm(cC, S)⟩ = ⟨cM, comm(C, S)⟩
      const multiplier = certified.multiplier.scale(scale);
      return { certified: { ...certified, multiplier }, iterations: iteration };
    }
    rho = adapted(rho, scaled, before, state);
  }
}

/** At least the squared norm of S ↦ (comm(C, S), S·1) on graphs, for positive semidefinite C: ‖C‖₂² + N. */
export function linearisationBound(c: Matrix): number {
  return spectralNorm(c) ** 2 + c.rows;
}

/** The complete graph of one weight, its degrees, its commutator projected on the ball, and zero multipliers. */
export function ladmmStart({ covariance, delta }: Problem, weight: number): LadmmState {
  const n = covariance.rows;
  const s = projectGraph(new Matrix(n, n, new Float64Array(n * n).fill(weight)));
  const commuted = commutator(covariance, s);
  const degrees = degreesOf(s);
  return {
    ...{ s, commutator: commuted, degrees },
    ...{ z: projectBall(commuted, delta), lambda: new Matrix(n, n) },
    ...{ q: degrees, v: new Float64Array(n) },
  };
}

/** One iteration, with two N×N products: that C and S are symmetric, Z and Λ skew, makes the other ones transposes. */
export function ladmmStep(
  { covariance, delta, alpha }: Problem,
  { s, z, lambda, q, v, ...of }: LadmmState,
  rho: number,
  tau: number,
): LadmmState {
  const n = s.rows;
  const w = combined(lambda, rho, subtract(of.commutator, z));
  const r = v.map((vi, i) => vi + rho * (at(q, i) - at(of.degrees, i)));
  const adjoint = commutatorAdjoint(covariance, w).data;
  const moved = new Matrix(n, n);
  for (let j = 0, index = 0; j < n; j++) {
    for (let i = 0; i < n; i++, index++) {
      const gradient = 1 + at(adjoint, index) - (at(r, i) + at(r, j)) / 2;
      moved.data[index] = at(s.data, index) - gradient / (rho * tau);
    }
  }
  const sNext = projectGraph(moved);
  const commuted = commutator(covariance, sNext);
  const zNext = projectBall(combined(commuted, 1 / rho, lambda), delta);
  const degrees = degreesOf(sNext);
  const qNext = proxNegLog(
    degrees.map((d, i) => d - at(v, i) / rho),
    alpha / rho,
  );
  return {
    ...{ s: sNext, commutator: commuted, degrees, z: zNext, q: qNext },
    lambda: combined(lambda, rho, subtract(commuted, zNext)),
    v: v.map((vi, i) => vi + rho * (at(qNext, i) - at(degrees, i))),
  };
}

/** ρ for the next iterations: towards equal primal and dual residuals, within 1e-5 … 1e5. */
function adapted(
  rho: number,
  { covariance }: Problem,
  before: LadmmState,
  after: LadmmState,
): number {
  const { commutator: commuted, degrees, z, q } = after;
  const primal = Math.hypot(frobenius(subtract(commuted, z)), norm(minus(q, degrees)));
  const change = commutatorAdjoint(covariance, subtract(before.z, z));
  const n = change.rows;
  for (let i = 0; i < n; i++) {
    const dq = at(before.q, i) - at(q, i);
    for (let j = 0; j < n; j++) change.data[i + j * n] = at(change.data, i + j * n) + dq;
  }
  const dual = rho * frobenius(change);
  if (primal > 5 * dual) return Math.min(2 * rho, 1e5);
  return dual > 5 * primal ? Math.max(rho / 2, 1e-5) : rho;
}

/** X + factor·Y */
function combined(x: Matrix, factor: number, y: Matrix): Matrix {
  const out = x.copy();
  addScaled(out, factor, y);
  return out;
}
