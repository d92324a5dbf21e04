import { at, atInt, item } from "@fedclair/linalg";
import { actionOf, jointCount, othersIndex, withoutAgent, type GameShape } from "../dataset.js";
import type { SampleRow, Samples } from "./samples.js";

/*
 * The losses of the networks (README.md, "Networks") and their slopes by the outputs,
 * in float64. All values are in units of α: ν and e are stored divided by α, so that they keep
 * their size while it falls. S is the number of states, A of the agent's actions, B of joint
 * actions of all others. Tables are row-major.
 */

/** Added to the probabilities of the data policies, which may be 0. */
const epsilon = 1e-10;
/**
 * A ratio ρ is cut to at most `maxRatio`. In the fits of e and the policy it counts as at least
 * `trace`.
 */
const maxRatio = 100;
const minRatio = 1e-3;

/**
 * The effect of the other agents' policies on the samples, which is fixed while one agent learns.
 */
interface Correction {
  /** k(s, a) = Σ π(b|s) ln [π(b|s)/πᴰ(b|s, a)], S×A: the penalty for leaving the data. */
  readonly penalty: Float64Array;
  /** ln(c·ρ) by row, with the row's share c and ρ = π(b|s)/πᴰ(b|s, a). */
  readonly logMass: Float64Array;
  /**
   * Weight of each row in the fits of e and the policy. A pair (s, a) keeps its mass in the data,
   * and ρ divides this mass among the rows of the pair. Using c·ρ directly would never fit a pair
   * again once the other agents' actions in it have become rare.
   */
  readonly weights: Float64Array;
  /** Share of the transitions by state. */
  readonly visits: Float64Array;
  /** The rows of the samples, as columns. */
  readonly columns: Columns;
}

/**
 * Fields of the sample rows, one array each. They are read in every step, and reading them from
 * objects takes several times as long.
 */
interface Columns {
  readonly state: Int32Array;
  readonly next: Int32Array;
  /** Index of the state and the agent's own action in S×A. */
  readonly pair: Int32Array;
  readonly reward: Float64Array;
}

/** The agent that learns, and the number of actions of this agent and of all others together. */
export interface Learning {
  readonly agent: number;
  readonly own: number;
  readonly others: number;
  /** Returns the others' part of a joint action, 0 … others - 1. */
  readonly othersOf: (actions: readonly number[]) => number;
}

export function createLearning(shape: GameShape, agent: number): Learning {
  return {
    agent,
    own: item(shape.actions, agent),
    others: jointCount(withoutAgent(shape, agent)),
    othersOf: (actions) => othersIndex(actions, agent, shape),
  };
}

/**
 * Computes the probability of each joint action of the others, S×B. They act independently.
 * @param tables their policies, S×A_j each, in the order of the agents
 * @param rest the game of the others, see `withoutAgent`
 */
export function computeOthersPolicy(
  tables: readonly Float64Array[],
  rest: GameShape,
): Float64Array {
  const others = jointCount(rest);
  const states = item(tables, 0).length / item(rest.actions, 0);
  return Float64Array.from({ length: states * others }, (_, cell) => {
    const state = Math.floor(cell / others);
    return tables.reduce(
      (product, table, j) =>
        product * item(table, state * item(rest.actions, j) + actionOf(cell % others, j, rest)),
      1,
    );
  });
}

/**
 * Computes the effect of the other agents' policies on the samples.
 * @param policy S×B, π of the other agents together
 * @param conditional S×A×B, πᴰ(b|s, a): the other agents' actions in the data given the own action
 */
export function computeCorrection(
  { states, rows }: Samples,
  { agent, own, others, othersOf }: Learning,
  policy: ArrayLike<number>,
  conditional: ArrayLike<number>,
): Correction {
  const penalty = Float64Array.from({ length: states.length * own }, (_, pair) => {
    let total = 0;
    for (let b = 0; b < others; b++) {
      const p = item(policy, Math.floor(pair / own) * others + b);
      const q = item(conditional, pair * others + b);
      total += p * Math.log((p + epsilon) / (q + epsilon));
    }
    return total;
  });
  const pairOf = (row: SampleRow) => row.state * own + item(row.actions, agent);
  const ratios = rows.map((row) => {
    const b = othersOf(row.actions);
    const p = item(policy, row.state * others + b);
    return Math.min(p / (item(conditional, pairOf(row) * others + b) + epsilon), maxRatio);
  });
  const mass = new Float64Array(states.length * own);
  const divided = new Float64Array(states.length * own);
  const visits = new Float64Array(states.length);
  rows.forEach((row, k) => {
    add(mass, pairOf(row), row.share);
    add(divided, pairOf(row), row.share * Math.max(item(ratios, k), minRatio));
    add(visits, row.state, row.share);
  });
  return {
    penalty,
    logMass: Float64Array.from(rows, ({ share }, k) =>
      Math.log(Math.max(share * item(ratios, k), Number.MIN_VALUE)),
    ),
    weights: Float64Array.from(rows, (row, k) => {
      const pair = pairOf(row);
      const part = row.share * Math.max(item(ratios, k), minRatio);
      return (part * at(mass, pair)) / at(divided, pair);
    }),
    visits,
    columns: {
      state: Int32Array.from(rows, ({ state }) => state),
      next: Int32Array.from(rows, ({ next }) => next),
      pair: Int32Array.from(rows, pairOf),
      reward: Float64Array.from(rows, ({ reward }) => reward),
    },
  };
}

/**
 * Computes ê = r/α - k(s, a) + γ·ν(s′) - ν(s) by row.
 * @param nu by state
 */
export function computeResiduals(
  { penalty, columns: { state, next, pair, reward } }: Correction,
  nu: ArrayLike<number>,
  { alpha, gamma }: { readonly alpha: number; readonly gamma: number },
): Float64Array {
  const values = Float64Array.from(nu);
  const out = new Float64Array(reward.length);
  for (let k = 0; k < out.length; k++) {
    const ahead = gamma * at(values, atInt(next, k)) - at(values, atInt(state, k));
    out[k] = at(reward, k) / alpha - at(penalty, atInt(pair, k)) + ahead;
  }
  return out;
}

/**
 * Computes the dual per unit of α, ln Σ c·ρ·exp(ê) + (1 - γ) Σ c·ν(s), and its slope by ν. The mean
 * over the other agents' actions is taken outside the exponential, so this dual is an upper bound
 * of the exact one. The two are equal if the others' actions are certain.
 */
export function evaluateSampledDual(
  { logMass, visits, columns: { state, next } }: Correction,
  residual: Float64Array,
  nu: ArrayLike<number>,
  gamma: number,
): { readonly value: number; readonly slope: Float64Array } {
  const exponents = new Float64Array(residual.length);
  let top = -Infinity;
  for (let k = 0; k < residual.length; k++) {
    const exponent = at(residual, k) + at(logMass, k);
    exponents[k] = exponent;
    top = Math.max(top, exponent);
  }
  let total = 0;
  for (let k = 0; k < residual.length; k++) {
    const mass = Math.exp(at(exponents, k) - top);
    exponents[k] = mass;
    total += mass;
  }
  const slope = visits.map((share) => (1 - gamma) * share);
  for (let k = 0; k < residual.length; k++) {
    const p = at(exponents, k) / total;
    add(slope, atInt(next, k), gamma * p);
    add(slope, atInt(state, k), -p);
  }
  const start = visits.reduce((sum, share, s) => sum + share * item(nu, s), 0);
  return { value: top + Math.log(total) + (1 - gamma) * start, slope };
}

/** Computes the slope of Σ v·(e(s, a) - ê)² by e, S×A. */
export function advantageSlope(
  { weights, columns: { pair } }: Correction,
  residual: Float64Array,
  advantage: ArrayLike<number>,
): Float64Array {
  const values = Float64Array.from(advantage);
  const slope = new Float64Array(advantage.length);
  for (let k = 0; k < residual.length; k++) {
    const cell = atInt(pair, k);
    add(slope, cell, 2 * at(weights, k) * (at(values, cell) - at(residual, k)));
  }
  return slope;
}

/**
 * Computes the targets of the policy, S×A: d(s)·softmax(ln πᴰ(a|s) + e(s, a)), the best response in
 * closed form. The published loss has the same minimum, but almost no slope once the policy is
 * nearly certain, so it never leaves a bad mode.
 * @param dataPolicy S×A, πᴰ of the agent
 */
export function responseTargets(
  { visits }: Correction,
  dataPolicy: Float64Array,
  advantage: ArrayLike<number>,
): Float64Array {
  const actions = dataPolicy.length / visits.length;
  const logits = dataPolicy.map((p, k) => Math.log(p + epsilon) + item(advantage, k));
  return softmaxRows(logits, actions).map((p, k) => p * at(visits, Math.floor(k / actions)));
}

/**
 * Computes the slope of the cross-entropy - Σ m ln π by the logits of the policy π.
 * @param masses m, as many as logits; rows need not sum to 1
 * @param columns of both tables
 */
export function crossEntropySlope(
  logits: ArrayLike<number>,
  masses: Float64Array,
  columns: number,
): Float64Array {
  const totals = new Float64Array(masses.length / columns);
  masses.forEach((m, k) => {
    add(totals, Math.floor(k / columns), m);
  });
  return softmaxRows(logits, columns).map(
    (p, k) => p * at(totals, Math.floor(k / columns)) - at(masses, k),
  );
}

/** Computes the normalised exp of logits, row by row. */
export function softmaxRows(logits: ArrayLike<number>, columns: number): Float64Array {
  const out = Float64Array.from(logits);
  for (let start = 0; start < out.length; start += columns) {
    const row = out.subarray(start, start + columns);
    const top = row.reduce((high, x) => Math.max(high, x), -Infinity);
    let total = 0;
    row.forEach((x, k) => {
      row[k] = Math.exp(x - top);
      total += at(row, k);
    });
    row.forEach((x, k) => {
      row[k] = x / total;
    });
  }
  return out;
}

function add(table: Float64Array, index: number, x: number): void {
  table[index] = at(table, index) + x;
}
