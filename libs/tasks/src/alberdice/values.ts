import { cholesky, choleskySolve, Matrix, at, item } from "@fedclair/linalg";
import { independentProblem } from "./agent-problem.js";
import { actionOf, type Dataset } from "./dataset.js";
import { normalise, softmax, uniformPolicy, type Policy } from "./policy.js";

/** Values stop to change at this, relative to their size. */
const tolerance = 1e-7;
const mostIterations = 5000;
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
export function implicitQ(data: Dataset, beta: number, gamma: number): Policy[] {
  const { shape, joints, visited, shares, reward, successors } = data;
  const parts = visited.map((_, row) => new AdditiveFit(data, row));
  const values = new Float64Array(visited.length);
  iterate(values, () =>
    parts.map((part, row) => {
      const target = Float64Array.from({ length: joints }, (_, joint) => {
        const cell = row * joints + joint;
        const next = item(successors, cell);
        return next.reduce(
          (total, { row: to, probability }) => total + gamma * probability * at(values, to),
          at(reward, cell),
        );
      });
      const q = part.fit(target);
      const own = shares.subarray(row * joints, (row + 1) * joints);
      const weights = implicitWeights(own, q, beta);
      return q.reduce((total, value, joint) => total + at(weights, joint) * value, 0);
    }),
  );
  return shape.actions.map((count, agent) => {
    const policy = [...uniformPolicy(shape, agent)];
    visited.forEach((state, row) => {
      const marginal = new Float64Array(count);
      for (let joint = 0; joint < joints; joint++) {
        const action = actionOf(joint, agent, shape);
        marginal[action] = at(marginal, action) + at(shares, row * joints + joint);
      }
      policy[state] = implicitWeights(marginal, item(parts, row).ofAgent(agent), beta);
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

/** Fits Σ_i Q_i(a_i) + b to values of joint actions in one state, weighted by the data. */
class AdditiveFit {
  readonly #data: Dataset;
  readonly #row: number;
  /** First entry of each agent in the coefficients; the last coefficient is b. */
  readonly #first: readonly number[];
  readonly #size: number;
  readonly #triangle: Matrix;
  #coefficients: Float64Array;

  constructor(data: Dataset, row: number) {
    this.#data = data;
    this.#row = row;
    const { actions } = data.shape;
    this.#first = actions.map((_, i) => actions.slice(0, i).reduce((sum, count) => sum + count, 0));
    this.#size = actions.reduce((sum, count) => sum + count, 1);
    // The split between agents and b is free; a small ridge chooses the one of least squares.
    const normal = Matrix.identity(this.#size).scale(1e-9);
    this.#eachJoint((joint, share) => {
      const places = this.#placesOf(joint);
      for (const a of places) {
        for (const b of places) normal.data[a + b * this.#size] = normal.get(a, b) + share;
      }
    });
    const triangle = cholesky(normal);
    if (triangle === undefined) throw new Error("a matrix with a ridge is positive definite");
    this.#triangle = triangle;
    this.#coefficients = new Float64Array(this.#size);
  }

  /** @returns the fitted value of each joint action */
  fit(target: Float64Array): Float64Array {
    const right = new Matrix(this.#size, 1);
    this.#eachJoint((joint, share) => {
      for (const place of this.#placesOf(joint)) {
        right.data[place] = at(right.data, place) + share * at(target, joint);
      }
    });
    this.#coefficients = choleskySolve(this.#triangle, right).data;
    return Float64Array.from({ length: this.#data.joints }, (_, joint) =>
      this.#placesOf(joint).reduce((sum, place) => sum + at(this.#coefficients, place), 0),
    );
  }

  ofAgent(agent: number): Float64Array {
    const from = item(this.#first, agent);
    return this.#coefficients.slice(from, from + item(this.#data.shape.actions, agent));
  }

  #placesOf(joint: number): number[] {
    const { shape } = this.#data;
    const own = this.#first.map((first, agent) => first + actionOf(joint, agent, shape));
    return [...own, this.#size - 1];
  }

  /** Calls back with each joint action of the data and its share of the state's transitions. */
  #eachJoint(use: (joint: number, share: number) => void): void {
    const { joints, shares, visits } = this.#data;
    for (let joint = 0; joint < joints; joint++) {
      const share = at(shares, this.#row * joints + joint) / at(visits, this.#row);
      if (share > 0) use(joint, share);
    }
  }
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
export function conservativeQ(data: Dataset, conservatism: number, gamma: number): Policy[] {
  const { shape, visited } = data;
  return shape.actions.map((count, agent) => {
    const { reward, start, to, probability } = independentProblem(data, agent);
    const seen = seenActions(data, agent);
    const values = new Float64Array(visited.length);
    const tables: Float64Array[] = visited.map(() => new Float64Array(count));
    iterate(values, () =>
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
    return policy;
  });
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

/** Repeats an update of values until they stay, in place. */
function iterate(values: Float64Array, update: () => readonly number[]): void {
  for (let iteration = 0; iteration < mostIterations; iteration++) {
    const next = update();
    const size = next.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const change = next.reduce(
      (most, value, k) => Math.max(most, Math.abs(value - at(values, k))),
      0,
    );
    values.set(next);
    if (change <= tolerance * size) break;
  }
}
