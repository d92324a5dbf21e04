import { UserError } from "@fedclair/core";
import { cholesky, choleskySolve, Matrix, at } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import type { AgentProblem } from "./agent-problem.js";
import type { PenaltySettings } from "./policy-evaluation.js";

export interface DualOptions extends PenaltySettings {
  /** The search stops once the largest violation of the flow constraint is below this. */
  readonly tolerance: number;
  /**
   * Starting point of ν by row; zeros by default. It changes only the running time, because the
   * minimum is unique.
   */
  readonly start?: Float64Array;
}

/** The minimum of the dual and the corresponding primal optimum. */
export interface DualSolution {
  /** ν by row, shifted to 0 at the first row. */
  readonly nu: Float64Array;
  /** e_ν = r + γ E[ν(s')] - ν(s) by row and action, with r reduced by the penalty. */
  readonly advantage: Float64Array;
  /** The optimal visit distribution d* by row and action. */
  readonly visit: Float64Array;
  /** L(ν*), the largest value of the primal. */
  readonly value: number;
  /**
   * Largest absolute entry of the gradient, which measures how far d* violates the flow constraint.
   */
  readonly residual: number;
  /** Number of Newton steps. */
  readonly steps: number;
}

const maxSteps = 500;
const maxDampings = 60;

/**
 * Minimises L(ν) = (1-γ) Σ p₀ν + α ln Σ d_iᴰ exp(e_ν/α) by damped Newton steps. L is convex and
 * smooth, and adding a constant to ν does not change it. The search stops when no step makes
 * progress; the caller has to check `residual`.
 * @throws UserError if rewards are so large compared with α, or α so small, that numbers overflow
 */
export async function minimiseDual(
  problem: AgentProblem,
  options: DualOptions,
): Promise<DualSolution> {
  let here = evaluateDual(problem, options, options.start ?? new Float64Array(problem.rows));
  let damping = 1e-9;
  let steps = 0;
  while (here.residual >= options.tolerance && steps < maxSteps) {
    const hessian = computeHessian(problem, options, here);
    const trace = computeTrace(hessian, problem.rows);
    let next: DualPoint | undefined;
    for (let tries = 0; tries < maxDampings && next === undefined; tries++) {
      next = tryStep(problem, options, here, { hessian, trace, damping });
      if (next === undefined) damping = Math.max(10 * damping, 1e-12);
    }
    if (next === undefined) break;
    damping = Math.max(damping / 10, 1e-16);
    here = next;
    if (++steps % 8 === 0) await setImmediate();
  }
  if (!Number.isFinite(here.value)) {
    throw new UserError(
      `no best response: numbers overflow at alpha = ${options.alpha}; take a larger alpha or smaller rewards`,
    );
  }
  return { ...shiftToZero(here, options), steps };
}

/**
 * Shifts a solution to ν = 0 at the first row. This moves all entries of e by the same amount,
 * (1-γ) times the shift.
 */
function shiftToZero(
  { nu, advantage, visit, value, residual }: DualPoint,
  { gamma }: PenaltySettings,
): Omit<DualSolution, "steps"> {
  const shift = nu[0] ?? 0;
  return {
    nu: nu.map((x) => x - shift),
    advantage: advantage.map((e) => e + (1 - gamma) * shift),
    visit,
    value,
    residual,
  };
}

interface DualPoint extends Omit<DualSolution, "steps"> {
  readonly gradient: Float64Array;
}

/** Computes L and its gradient at ν, and the corresponding visit distribution. */
export function evaluateDual(
  problem: AgentProblem,
  { alpha, gamma }: PenaltySettings,
  nu: Float64Array,
): DualPoint {
  const { actions, initial, mass, reward, penalty, start, to, probability } = problem;
  const advantage = new Float64Array(mass.length);
  let top = -Infinity;
  for (let cell = 0; cell < mass.length; cell++) {
    let e = at(reward, cell) - alpha * at(penalty, cell);
    const end = start[cell + 1] ?? 0;
    for (let k = start[cell] ?? 0; k < end; k++) {
      e += gamma * at(probability, k) * at(nu, to[k] ?? -1);
    }
    e -= at(nu, Math.floor(cell / actions));
    advantage[cell] = e;
    top = Math.max(top, e);
  }
  const visit = advantage.map((e, cell) => at(mass, cell) * Math.exp((e - top) / alpha));
  let total = 0;
  for (const weight of visit) total += weight;
  for (let cell = 0; cell < visit.length; cell++) visit[cell] = at(visit, cell) / total;

  const gradient = initial.map((p) => (1 - gamma) * p);
  let linear = 0;
  for (let row = 0; row < nu.length; row++) linear += at(gradient, row) * at(nu, row);
  const add = (row: number, amount: number) => {
    gradient[row] = at(gradient, row) + amount;
  };
  for (let cell = 0; cell < visit.length; cell++) {
    const weight = at(visit, cell);
    add(Math.floor(cell / actions), -weight);
    const end = start[cell + 1] ?? 0;
    for (let k = start[cell] ?? 0; k < end; k++) {
      add(to[k] ?? -1, gamma * weight * at(probability, k));
    }
  }
  const residual = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
  return {
    nu,
    advantage,
    visit,
    value: linear + top + alpha * Math.log(total),
    residual,
    gradient,
  };
}

/**
 * Computes the lower triangle, row-major, of (1/α)·[Kᵀ diag(w) K - (Kᵀw)(Kᵀw)ᵀ], where the rows of
 * K are γP(·|s, a) - 1_s.
 */
function computeHessian(
  { rows, actions, initial, start, to, probability }: AgentProblem,
  { alpha, gamma }: PenaltySettings,
  { visit, gradient }: DualPoint,
): Float64Array {
  const hessian = new Float64Array(rows * rows);
  const columns: number[] = [];
  const values: number[] = [];
  for (let cell = 0; cell < visit.length; cell++) {
    const weight = at(visit, cell) / alpha;
    if (weight === 0) continue;
    columns[0] = Math.floor(cell / actions);
    values[0] = -1;
    let count = 1;
    const end = start[cell + 1] ?? 0;
    for (let k = start[cell] ?? 0; k < end; k++) {
      columns[count] = to[k] ?? -1;
      values[count++] = gamma * at(probability, k);
    }
    for (let i = 0; i < count; i++) {
      const row = (columns[i] ?? 0) * rows;
      const scaled = weight * (values[i] ?? 0);
      for (let j = 0; j < count; j++) {
        const column = columns[j] ?? 0;
        hessian[row + column] = (hessian[row + column] ?? 0) + scaled * (values[j] ?? 0);
      }
    }
  }
  const flow = gradient.map((g, row) => g - (1 - gamma) * at(initial, row));
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      hessian[i * rows + j] = (hessian[i * rows + j] ?? 0) - (at(flow, i) * at(flow, j)) / alpha;
    }
  }
  return hessian;
}

function computeTrace(matrix: Float64Array, n: number): number {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += at(matrix, i * (n + 1));
  return trace;
}

interface Model {
  readonly hessian: Float64Array;
  readonly trace: number;
  readonly damping: number;
}

/** Returns the point after a damped Newton step, or undefined if it makes no progress. */
function tryStep(
  problem: AgentProblem,
  options: DualOptions,
  here: DualPoint,
  { hessian, trace, damping }: Model,
): DualPoint | undefined {
  const n = problem.rows;
  const system = hessian.slice();
  // Adding the same small number everywhere fixes the constant that L leaves free.
  const pin = trace / n / n;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) system[i * n + j] = at(system, i * n + j) + pin;
    system[i * (n + 1)] = at(system, i * (n + 1)) + damping + 1e-14;
  }
  const factor = cholesky(new Matrix(n, n, system));
  if (factor === undefined) return undefined;
  const downhill = new Matrix(
    n,
    1,
    here.gradient.map((g) => -g),
  );
  const step = choleskySolve(factor, downhill).data;
  const slope = step.reduce((total, x, row) => total + x * at(here.gradient, row), 0);
  const next = evaluateDual(
    problem,
    options,
    here.nu.map((nu, row) => nu + at(step, row)),
  );
  const falls = next.value <= here.value + 1e-4 * slope;
  // Near the minimum, rounding hides a decrease of L, but not a smaller gradient.
  const flattens =
    next.residual <= here.residual / 2 &&
    next.value <= here.value + 1e-12 * Math.max(1, Math.abs(here.value));
  return falls || flattens ? next : undefined;
}
