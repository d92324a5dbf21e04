import { addScaled, frobenius, Matrix, norm, subtract, at } from "@fedclair/linalg";
import { certify, type CertifiedGraph } from "./certificate.js";
import type { SolverResult } from "./eadmm.js";
import {
  computeCommutator,
  computeCommutatorAdjoint,
  computeDegrees,
  projectBall,
  projectGraph,
  proxNegLog,
} from "./operators.js";
import { createPacer } from "./pace.js";
import { spectralNorm, type SolverLimits, type Problem } from "./problem.js";
import { subtractVectors } from "./vectors.js";

/** One iterate of L-ADMM. */
export interface LadmmState {
  /** S, a graph, with its commutator and degrees. */
  readonly s: Matrix;
  readonly commutator: Matrix;
  readonly degrees: Float64Array;
  /** Z, in the ball, and its multiplier Λ; both are skew. */
  readonly z: Matrix;
  readonly lambda: Matrix;
  /** The degrees under the log and their multiplier. */
  readonly q: Float64Array;
  readonly v: Float64Array;
}

/**
 * τ₁, the linearisation relative to a provably safe one. Values above 0.75 suffice by the sharper
 * bound of two blocks.
 */
const linearisation = 0.75;
const adaptEvery = 100;

/**
 * Runs L-ADMM, the paper's solver (Liu, Zhu, So, arXiv 2305.01379; order of updates and constants
 * from a public reproduction). The S-step of ADMM is linearised, so that all steps have closed
 * forms. It is slow for small δ.
 */
export async function ladmm(
  problem: Problem,
  { tolerance, maxIterations }: SolverLimits,
): Promise<SolverResult<CertifiedGraph>> {
  // At ‖C‖₂ = 1 it is about three times slower, and with raw covariances it hardly moves.
  const n = problem.covariance.rows;
  const scale = (2 * Math.sqrt(n)) / spectralNorm(problem.covariance);
  const scaled = {
    covariance: problem.covariance.scale(scale),
    delta: problem.delta * scale,
    alpha: problem.alpha,
  };
  const tau = linearisation * computeLinearisationBound(scaled.covariance);
  const pace = createPacer();
  let state = createLadmmStart(scaled, problem.alpha / (n - 1));
  let rho = 4;
  for (let iteration = 1; ; iteration++) {
    await pace();
    const before = state;
    state = runLadmmStep(scaled, state, rho, tau);
    if (iteration % adaptEvery !== 0 && iteration < maxIterations) continue;

    const certified = certify(scaled, state.s, state.lambda, state.v);
    if (certified.gap <= tolerance || iteration >= maxIterations) {
      // ⟨M, comm(cC, S)⟩ = ⟨cM, comm(C, S)⟩
      const multiplier = certified.multiplier.scale(scale);
      return { certified: { ...certified, multiplier }, iterations: iteration };
    }
    rho = adaptRho(rho, scaled, before, state);
  }
}

/**
 * Computes ‖C‖₂² + N, an upper bound of the squared norm of S ↦ (comm(C, S), S·1) on graphs, for
 * positive semidefinite C.
 */
export function computeLinearisationBound(c: Matrix): number {
  return spectralNorm(c) ** 2 + c.rows;
}

/**
 * Creates the starting state: the complete graph with equal weights, its degrees, its commutator
 * projected on the ball, and zero multipliers.
 */
export function createLadmmStart({ covariance, delta }: Problem, weight: number): LadmmState {
  const n = covariance.rows;
  const s = projectGraph(new Matrix(n, n, new Float64Array(n * n).fill(weight)));
  const commuted = computeCommutator(covariance, s);
  const degrees = computeDegrees(s);
  return {
    s,
    commutator: commuted,
    degrees,
    z: projectBall(commuted, delta),
    lambda: new Matrix(n, n),
    q: degrees,
    v: new Float64Array(n),
  };
}

/**
 * Runs one iteration with two N×N products. The other products are transposes, because C and S are
 * symmetric, and Z and Λ skew.
 */
export function runLadmmStep(
  { covariance, delta, alpha }: Problem,
  { s, z, lambda, q, v, ...of }: LadmmState,
  rho: number,
  tau: number,
): LadmmState {
  const n = s.rows;
  const w = addScaledMatrix(lambda, rho, subtract(of.commutator, z));
  const r = v.map((vi, i) => vi + rho * (at(q, i) - at(of.degrees, i)));
  const adjoint = computeCommutatorAdjoint(covariance, w).data;
  const moved = new Matrix(n, n);
  for (let j = 0, index = 0; j < n; j++) {
    for (let i = 0; i < n; i++, index++) {
      const gradient = 1 + at(adjoint, index) - (at(r, i) + at(r, j)) / 2;
      moved.data[index] = at(s.data, index) - gradient / (rho * tau);
    }
  }
  const sNext = projectGraph(moved);
  const commuted = computeCommutator(covariance, sNext);
  const zNext = projectBall(addScaledMatrix(commuted, 1 / rho, lambda), delta);
  const degrees = computeDegrees(sNext);
  const qNext = proxNegLog(
    degrees.map((d, i) => d - at(v, i) / rho),
    alpha / rho,
  );
  return {
    s: sNext,
    commutator: commuted,
    degrees,
    z: zNext,
    q: qNext,
    lambda: addScaledMatrix(lambda, rho, subtract(commuted, zNext)),
    v: v.map((vi, i) => vi + rho * (at(qNext, i) - at(degrees, i))),
  };
}

/**
 * Chooses ρ for the next iterations, towards equal primal and dual residuals, within 1e-5 … 1e5.
 */
function adaptRho(
  rho: number,
  { covariance }: Problem,
  before: LadmmState,
  after: LadmmState,
): number {
  const { commutator: commuted, degrees, z, q } = after;
  const primal = Math.hypot(frobenius(subtract(commuted, z)), norm(subtractVectors(q, degrees)));
  const change = computeCommutatorAdjoint(covariance, subtract(before.z, z));
  const n = change.rows;
  for (let i = 0; i < n; i++) {
    const dq = at(before.q, i) - at(q, i);
    for (let j = 0; j < n; j++) change.data[i + j * n] = at(change.data, i + j * n) + dq;
  }
  const dual = rho * frobenius(change);
  if (primal > 5 * dual) return Math.min(2 * rho, 1e5);
  return dual > 5 * primal ? Math.max(rho / 2, 1e-5) : rho;
}

/** Computes X + factor·Y. */
function addScaledMatrix(x: Matrix, factor: number, y: Matrix): Matrix {
  const out = x.copy();
  addScaled(out, factor, y);
  return out;
}
