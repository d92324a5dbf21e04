import { cholesky, choleskySolve, Matrix, at, atInt, item } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import { independentProblem } from "./agent-problem.js";
import { actionOf, type Dataset } from "./dataset.js";
import { marginalPolicy, normalise, softmax, uniformPolicy, type Policy } from "./policy.js";

/** Change of the values at which an iteration ends, relative to their size. */
const tolerance = 1e-7;
const mostIterations = 5000;
const iterationsPerYield = 8;
/** Limits of Newton's method in one state. */
const mostSteps = 50;
const leastStep = 1e-3;

/**
 * ICQ (Yang et al. 2021) with tables. The critic never asks for an action outside the data: its
 * target is r + γ·Σ ω(s′, a′)·Q(s′, a′) over the data's own a′, with ω ∝ exp(Q/β). The joint value
 * is Σ_i λ_i·Q_i(s, a_i) + b(s), fitted to the target by least squares with the data's weights. The
 * policy clones the data with the weights exp(λ_i·Q_i/β).
 *
 * λ_i ≥ 0 only scales a table, so it is part of Q_i here. Weights are normalised in each state
 * instead of in a batch.
 * @param beta β > 0, in units of the reward
 * @param gamma discount in (0, 1)
 */
export async function implicitQ(data: Dataset, beta: number, gamma: number): Promise<Policy[]> {
  const { shape, visited, reward, successors } = data;
  const parts = visited.map((_, row) => new AdditiveFit(data, row));
  const values = new Float64Array(visited.length);
  await iterate(values, () =>
    parts.map((part) => {
      const q = part.fit((cell) =>
        item(successors, cell).reduce(
          (total, { row, probability }) => total + gamma * probability * at(values, row),
          at(reward, cell),
        ),
      );
      const weights = implicitWeights(part.shares, q, beta);
      return q.reduce((total, value, k) => total + at(weights, k) * value, 0);
    }),
  );
  return shape.actions.map((_, agent) => {
    const policy = [...uniformPolicy(shape, agent)];
    const cloned = marginalPolicy(data, agent, data.shares);
    visited.forEach((state, row) => {
      const own = item(parts, row).ofAgent(agent);
      policy[state] = implicitWeights(item(cloned, state), own, beta);
    });
    return policy;
  });
}

/** Shares·exp(values/β), normalised; entries without share stay 0. */
function implicitWeights(shares: Float64Array, values: Float64Array, beta: number): Float64Array {
  let most = -Infinity;
  shares.forEach((share, k) => {
    if (share > 0) most = Math.max(most, at(values, k));
  });
  return normalise(
    shares.map((share, k) => (share > 0 ? share * Math.exp((at(values, k) - most) / beta) : 0)),
  );
}

/** Fits Σ_i Q_i(a_i) + b to values of the joint actions of one state, weighted by the data. */
class AdditiveFit {
  /** The share of each joint action that the data have in the state, in ascending order. */
  readonly shares: Float64Array;
  readonly #counts: readonly number[];
  /** Cell of each of these joint actions, and the coefficients that add up to its value. */
  readonly #cells: Int32Array;
  readonly #places: readonly (readonly number[])[];
  readonly #triangle: Matrix;
  #coefficients: Float64Array;

  constructor({ shape, joints, shares, visits }: Dataset, row: number) {
    const { actions } = shape;
    this.#counts = actions;
    const first = actions.map((_, i) => firstPlace(actions, i));
    const last = firstPlace(actions, actions.length);
    const seen = Array.from({ length: joints }, (_, joint) => joint).filter(
      (joint) => at(shares, row * joints + joint) > 0,
    );
    this.#cells = Int32Array.from(seen, (joint) => row * joints + joint);
    this.shares = Float64Array.from(this.#cells, (cell) => at(shares, cell) / at(visits, row));
    this.#places = seen.map((joint) => [
      ...first.map((place, agent) => place + actionOf(joint, agent, shape)),
      last,
    ]);
    // Data that cover few joint actions leave the split between agents and b open. A small ridge on
    // the agents' parts chooses b, so that actions whose rewards do not differ count alike.
    const normal = Matrix.identity(last + 1).scale(1e-7);
    normal.data[normal.data.length - 1] = 0;
    this.#places.forEach((places, k) => {
      for (const a of places) {
        for (const b of places)
          normal.data[a + b * normal.rows] = normal.get(a, b) + at(this.shares, k);
      }
    });
    const triangle = cholesky(normal);
    if (triangle === undefined) throw new Error("a matrix with a ridge is positive definite");
    this.#triangle = triangle;
    this.#coefficients = new Float64Array(normal.rows);
  }

  /** @returns the fitted value of each joint action that the data have */
  fit(targetOf: (cell: number) => number): Float64Array {
    const right = new Matrix(this.#triangle.rows, 1);
    this.#places.forEach((places, k) => {
      const weighted = at(this.shares, k) * targetOf(atInt(this.#cells, k));
      for (const place of places) right.data[place] = at(right.data, place) + weighted;
    });
    this.#coefficients = choleskySolve(this.#triangle, right).data;
    return Float64Array.from(this.#places, (places) =>
      places.reduce((sum, place) => sum + at(this.#coefficients, place), 0),
    );
  }

  ofAgent(agent: number): Float64Array {
    const from = firstPlace(this.#counts, agent);
    return this.#coefficients.slice(from, from + item(this.#counts, agent));
  }
}

/** Where an agent's actions begin if those of all agents are listed in their order. */
function firstPlace(actions: readonly number[], agent: number): number {
  return actions.slice(0, agent).reduce((sum, count) => sum + count, 0);
}

/**
 * OMAR (Pan et al. 2022) with tables: each agent alone learns conservative values, and its actor
 * takes the best action by them. Conservative Q-learning adds c·(log Σ_a exp Q(s, a) − E Q(s, a)),
 * with the data's a, to half of the squared error. The others are part of the environment and act
 * as in the data. With few actions the best of the sampled ones is the best of all, so that both
 * parts of the actor's loss agree: this is our version. An action that the data never have in a
 * state is not taken there, because its conservative value has no lower bound.
 * @param conservatism c ≥ 0, in units of the squared reward
 * @param gamma discount in (0, 1)
 */
export async function conservativeQ(
  data: Dataset,
  conservatism: number,
  gamma: number,
): Promise<Policy[]> {
  const { shape, visited } = data;
  const policies: Policy[] = [];
  for (const [agent, count] of shape.actions.entries()) {
    const { reward, start, to, probability } = independentProblem(data, agent);
    const seen = seenActions(data, agent);
    const values = new Float64Array(visited.length);
    const tables: Float64Array[] = visited.map(() => new Float64Array(count));
    await iterate(values, () =>
      visited.map((_, row) => {
        const target = Float64Array.from({ length: count }, (_, action) => {
          const cell = row * count + action;
          let total = at(reward, cell);
          for (let k = start[cell] ?? 0; k < (start[cell + 1] ?? 0); k++) {
            total += gamma * at(probability, k) * at(values, to[k] ?? -1);
          }
          return total;
        });
        const q = conservativeValues(target, item(seen, row), conservatism, tables[row]);
        tables[row] = q;
        return Math.max(...q);
      }),
    );
    const policy = [...uniformPolicy(shape, agent)];
    visited.forEach((state, row) => {
      const q = item(tables, row);
      const best = Math.max(...q);
      policy[state] = normalise(q.map((value) => Number(value === best)));
    });
    policies.push(policy);
  }
  return policies;
}

/** The share of each of an agent's actions in the data, by row. */
function seenActions({ shape, joints, visited, shares, visits }: Dataset, agent: number) {
  return visited.map((_, row) => {
    const seen = new Float64Array(item(shape.actions, agent));
    for (let joint = 0; joint < joints; joint++) {
      const action = actionOf(joint, agent, shape);
      const share = at(shares, row * joints + joint) / at(visits, row);
      seen[action] = at(seen, action) + share;
    }
    return seen;
  });
}

/**
 * Minimises ½·Σ_a p_a(q_a − y_a)² + c·(log Σ exp q − Σ p_a·q_a) over the actions with p_a > 0, by
 * Newton's method with halved steps. The others get −Infinity.
 * @param target y
 * @param shares p, sum 1
 * @param start where the search starts, finite where p_a > 0; changes only the running time
 */
export function conservativeValues(
  target: Float64Array,
  shares: Float64Array,
  conservatism: number,
  start = target,
): Float64Array {
  const actions = [...shares.keys()].filter((action) => at(shares, action) > 0);
  const y = Float64Array.from(actions, (action) => at(target, action));
  const p = Float64Array.from(actions, (action) => at(shares, action));
  const loss = (q: Float64Array) => {
    const most = Math.max(...q);
    const spread = Math.log(q.reduce((sum, value) => sum + Math.exp(value - most), 0));
    return q.reduce(
      (sum, value, k) => {
        const error = value - at(y, k);
        return sum + at(p, k) * (error ** 2 / 2 - conservatism * value);
      },
      conservatism * (most + spread),
    );
  };
  let q = Float64Array.from(actions, (action) => at(start, action));
  for (let iteration = 0; iteration < mostSteps; iteration++) {
    const soft = softmax(q);
    const gradient = q.map(
      (value, k) => at(p, k) * (value - at(y, k)) + conservatism * (at(soft, k) - at(p, k)),
    );
    const hessian = new Matrix(q.length, q.length);
    soft.forEach((one, a) => {
      soft.forEach((other, b) => {
        const own = a === b ? at(p, a) + conservatism * one : 0;
        hessian.data[a + b * q.length] = own - conservatism * one * other;
      });
    });
    const triangle = cholesky(hessian);
    if (triangle === undefined) break;
    const step = choleskySolve(triangle, new Matrix(q.length, 1, gradient)).data;
    const moved = (size: number) => q.map((value, k) => value - size * at(step, k));
    const before = loss(q);
    let size = 1;
    // At the minimum rounding leaves no decrease.
    while (size > leastStep && !(loss(moved(size)) < before)) size /= 2;
    if (size <= leastStep) break;
    q = moved(size);
  }
  const out = new Float64Array(target.length).fill(-Infinity);
  actions.forEach((action, k) => (out[action] = at(q, k)));
  return out;
}

/** Repeats an update of values until they stay, in place. Yields to the event loop. */
async function iterate(values: Float64Array, update: () => readonly number[]): Promise<void> {
  for (let iteration = 0; iteration < mostIterations; iteration++) {
    const next = update();
    let [size, change] = [1, 0];
    next.forEach((value, k) => {
      size = Math.max(size, Math.abs(value));
      change = Math.max(change, Math.abs(value - at(values, k)));
    });
    values.set(next);
    if (change <= tolerance * size) break;
    if (iteration % iterationsPerYield === 0) await setImmediate();
  }
}
