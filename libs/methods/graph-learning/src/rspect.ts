import { addScaled, dot, frobenius, Matrix, subtract, sum, at } from "@fedclair/linalg";
import { makeRoom } from "./certificate.js";
import { eadmm, type SolverResult } from "./eadmm.js";
import {
  computeCommutator,
  computeCommutatorAdjoint,
  projectUnitDegreeGraph,
} from "./operators.js";
import { nnls } from "./nnls.js";
import { listPairs, unpackStrict } from "./packing.js";
import { checkCovariance, spectralNorm, type SolverLimits } from "./problem.js";

/** The range of δ for which rSpecT is feasible. */
interface Feasibility {
  /**
   * δ_min = min ‖comm(C, S)‖ over graphs S whose first node has degree 1: rSpecT has a solution iff
   * δ ≥ δ_min.
   */
  readonly deltaMin: number;
  /** A graph with the smallest commutator. */
  readonly graph: Matrix;
  /** Y, skew, ‖Y‖ = 1: the certificate of Farkas' lemma. Zero if δ_min = 0. */
  readonly certificate: Matrix;
  /**
   * min_j Q_1j with Q = 2(CY − YC). If Q_ij ≥ 0 for i, j ≠ 1, no smaller δ is feasible. Equals
   * δ_min up to rounding.
   */
  readonly bound: number;
  /** Least Q_ij over i, j ≠ 1; non-negative up to rounding. */
  readonly slack: number;
}

/**
 * Computes for which δ rSpecT is feasible, by one non-negative least-squares problem in the N(N −
 * 1)/2 weights of S: min |Kx/‖K‖|² + (aᵀx − 1)². Kx is the commutator and aᵀx the degree of the
 * first node. Then x is scaled to aᵀx = 1. Rounding limits the result to δ_min ≥ 1e-7·‖C‖₂,
 * approximately.
 * @throws UserError if the matrix is not a covariance
 */
export async function computeFeasibility(c: Matrix): Promise<Feasibility> {
  checkCovariance(c);
  const system = buildCommutatorSystem(c);
  const right = new Float64Array(system.rows);
  right[right.length - 1] = 1;
  const weights = await nnls(system, right);
  const graph = unpackStrict(weights);
  const unit = graph.scale(1 / sum(graph.column(0)));
  const commutator = computeCommutator(c, unit);
  const deltaMin = frobenius(commutator);
  const certificate = deltaMin > 0 ? commutator.scale(1 / deltaMin) : commutator;
  return { deltaMin, graph: unit, certificate, ...computeFarkasBound(c, certificate) };
}

/** Computes the bound and the slack that a skew Y of norm 1 proves, see `Feasibility`. */
function computeFarkasBound(c: Matrix, y: Matrix): { bound: number; slack: number } {
  const q = computeCommutatorAdjoint(c, y).scale(2);
  const others = [...listPairs(q.rows, 1)].filter(([i]) => i > 0);
  return {
    bound: Math.min(...q.column(0).subarray(1)),
    slack: Math.min(Infinity, ...others.map(([i, j]) => q.get(i, j))),
  };
}

/**
 * Builds the system of equations. Its rows are √2 times the strict upper triangle of comm(C, S)/κ,
 * then the degree of node 1. Its columns are the pairs (i, j), i < j.
 */
function buildCommutatorSystem(c: Matrix): Matrix {
  const n = c.rows;
  const edges = [...listPairs(n, 1)];
  const row = new Map(edges.map(([i, j], index) => [i * n + j, index]));
  // κ bounds ‖K‖: the commutator with S cannot exceed 2‖C‖₂‖S‖, and ‖S‖ = √2·|x|.
  const scale = Math.SQRT2 / (2 * Math.SQRT2 * spectralNorm(c));
  const system = new Matrix(edges.length + 1, edges.length);
  edges.forEach(([i, j], edge) => {
    const column = system.column(edge);
    const put = (p: number, q: number, value: number) => {
      const point = row.get(Math.min(p, q) * n + Math.max(p, q));
      if (point !== undefined) column[point] = at(column, point) + Math.sign(q - p) * scale * value;
    };
    // CS − SC of S = e_i·e_jᵀ + e_j·e_iᵀ, each entry (p, q) with p ≠ q once.
    for (let k = 0; k < n; k++) {
      if (k < j) put(k, j, c.get(k, i));
      if (k < i) put(k, i, c.get(k, j));
      if (k > i) put(i, k, -c.get(j, k));
      if (k > j) put(j, k, -c.get(i, k));
    }
    column[edges.length] = i === 0 ? 1 : 0;
  });
  return system;
}

/** A graph of rSpecT with its certificate. */
interface RSpecTCertified {
  /** Feasible up to rounding; its first node has degree 1. */
  readonly graph: Matrix;
  /** The objective ΣS. */
  readonly objective: number;
  /** A lower bound of the optimum. */
  readonly dualBound: number;
  readonly gap: number;
}

type RSpecTSolution =
  | { readonly outcome: "INFEASIBLE"; readonly feasibility: Feasibility }
  | ({
      readonly outcome: "solved" | "unconverged";
      readonly feasibility: Feasibility;
    } & RSpecTCertified &
      Pick<SolverResult<unknown>, "iterations">);

/**
 * Solves rSpecT: min ΣS over graphs with ‖comm(C, S)‖ ≤ δ whose first node has degree 1. It is slow
 * if δ is hardly above δ_min.
 * @throws UserError if the matrix is not a covariance
 */
export async function solveRSpecT(
  c: Matrix,
  delta: number,
  effort: SolverLimits,
): Promise<RSpecTSolution> {
  const feasibility = await computeFeasibility(c);
  if (delta < feasibility.deltaMin) return { outcome: "INFEASIBLE", feasibility };
  const { certified, iterations } = await eadmm(
    { covariance: c, delta, alpha: 1 },
    {
      degreeWeight: 0,
      project: projectUnitDegreeGraph,
      certify: (graph, m) => certifyRSpecT(c, delta, graph, m, feasibility),
    },
    effort,
  );
  const outcome = certified.gap <= effort.tolerance ? "solved" : "unconverged";
  return { outcome, feasibility, ...certified, iterations };
}

/**
 * Certifies a graph of rSpecT. Primal: a mixture with the graph of δ_min enters the ball and keeps
 * the degree of node 1. Dual: for a skew M with 1 + [CM − MC]_ij ≥ 0 for i, j ≠ 1, ΣS ≥ 2·min_j(1 +
 * [CM − MC]_1j) − δ‖M‖.
 */
function certifyRSpecT(
  c: Matrix,
  delta: number,
  graph: Matrix,
  m: Matrix,
  feasibility: Feasibility,
): RSpecTCertified {
  const feasible = moveIntoBall(c, delta, graph, feasibility.graph);
  const objective = sum(feasible.data);
  const { adjoint, factor } = makeRoom(c, m, 0, 1);
  const first = Math.min(...adjoint.column(0).subarray(1));
  const dualBound = 2 * (1 + factor * first) - delta * factor * frobenius(m);
  return {
    graph: feasible,
    objective,
    dualBound,
    gap: (objective - dualBound) / Math.max(1, objective),
  };
}

/** Finds the point in the ball that is nearest to `from` on the way to `inside`. */
function moveIntoBall(c: Matrix, delta: number, from: Matrix, inside: Matrix): Matrix {
  const a = computeCommutator(c, from);
  const size = frobenius(a);
  if (size <= delta) return from;
  // |a + t(b − a)|² = δ², the smaller root t.
  const step = subtract(computeCommutator(c, inside), a);
  const quadratic = dot(step, step);
  const half = dot(a, step);
  const constant = size ** 2 - delta ** 2;
  const t = constant / (-half + Math.sqrt(Math.max(half ** 2 - quadratic * constant, 0)));
  const out = from.copy();
  addScaled(out, Math.min(t, 1), subtract(inside, from));
  return out;
}
