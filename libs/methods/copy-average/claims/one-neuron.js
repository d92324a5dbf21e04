// Newton's method from many starts for a student of one neuron, and the gradient at the
// copy-average points of small teachers.
import {
  cholesky,
  choleskySolve,
  gramTN,
  Matrix,
  multiplyTN,
  normalTail,
  stream,
  symmetricEigen,
} from "@fedclair/linalg";
import { averagingLoss, copyAveragePoint, groupsOfSizes } from "../dist/src/copy-average-points.js";
import { Distillation } from "../dist/src/distillation.js";
import { kernelOf } from "../dist/src/kernels.js";
import { flatten } from "../dist/src/network.js";
import { unitTeacher } from "../dist/src/perturbed-copy.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

/** Neurons of the teacher; inputs have one dimension more. */
const k = 4;
const d = k + 1;
const starts = 10_000;
const steps = 200;
/** Norms of the neuron between which the quadrature is trusted. */
const [nearest, farthest] = [0.01, 3];
const degree = 40;
const { nodes, weights, hermite } = quadrature(64);

/**
 * σ and its first four derivatives. Φ is the normal distribution function of GELU.
 * @type {Readonly<Record<string, (z: number) => number[]>>}
 */
const activations = {
  softplus: (z) => [Math.log1p(Math.exp(-Math.abs(z))) + Math.max(z, 0), ...sigmoid(z).slice(0, 4)],
  tanh: tanhOf,
  sigmoid,
  gelu: (z) => {
    const density = Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI);
    const below = (1 + erf(z)) / 2;
    const polynomials = [2 - z ** 2, z ** 3 - 4 * z, -(z ** 4) + 7 * z ** 2 - 4];
    return [z * below, below + z * density, ...polynomials.map((x) => x * density)];
  },
};

/**
 * Looks for the critical points of each activation, and computes the gradients of all copy-average
 * points of up to eight teacher neurons.
 * @returns {Run[]} with the label `activation` and the measures `found`, the starts that end at a
 * critical point other than 0; `symmetric`, those of them in the span of the sum of the teacher's
 * neurons; `points`, the number of different losses; and `norm`, `out` and `loss` of the best. With
 * the label `sizes`: `gradient` and `loss` of a copy-average point, `copies` of its `n` neurons,
 * and `best`, the least loss of one with as many
 */
export function measure(_out, { wants = () => true } = {}) {
  const searched = ["erf", "relu", ...Object.keys(activations)];
  return [
    ...searched.filter((activation) => wants({ activation })).map(searchPoints),
    ...(wants({ activation: "" }) ? listPartitions() : []),
  ];
}

function searchPoints(activation) {
  const problem = activation in activations ? expanded(activation) : closed(activation);
  const rng = stream("one neuron").at(activation);
  let [found, symmetric] = [0, 0];
  const points = new Map();
  for (let start = 0; start < starts; start++) {
    const point = newton(
      problem,
      Float64Array.from(rng.normals(d), (x) => x / 2),
    );
    if (point === undefined) continue;
    found++;
    const norm = Math.hypot(...point);
    const isSymmetric = point.every((x, j) => Math.abs(x - (j < k ? point[0] : 0)) < 1e-5 * norm);
    if (isSymmetric) symmetric++;
    const { loss, out } = problem(point);
    // The scale of a ReLU neuron is free, so its outgoing weight counts for a norm of 1.
    const scale = activation === "relu" ? norm : 1;
    points.set(loss.toFixed(6), { norm: norm / scale, out: Math.abs(out * scale), loss });
  }
  const none = { norm: 0, out: 0, loss: 0 };
  const [best = none] = [...points.values()].sort((a, b) => a.loss - b.loss);
  const measures = { found, symmetric, points: points.size, ...best };
  return { seed: 1, labels: { activation }, measures };
}

/**
 * Solves for a critical point by Levenberg and Marquardt's damped steps, which do not prefer minima
 * to saddles.
 * @returns undefined for a start that ends at none, or outside the radii that are trusted
 */
function newton(problem, start) {
  let x = start;
  let at = problem(x);
  let damping = 1e-3;
  for (let step = 0; step < steps && damping < 1e6; step++) {
    const size = sizeOf(at);
    if (size < 1e-10) break;
    const normal = gramTN(at.jacobian);
    for (let i = 0; i < d; i++) normal.data[i * (d + 1)] += damping;
    const factor = cholesky(normal);
    if (!factor) return undefined;
    const move = choleskySolve(factor, multiplyTN(at.jacobian, at.residual)).data;
    const next = x.map((value, i) => value - move[i]);
    const there = problem(next);
    if (sizeOf(there) < size) {
      [x, at] = [next, there];
      damping = Math.max(damping / 5, 1e-14);
    } else damping *= 4;
  }
  const norm = Math.hypot(...x);
  return sizeOf(at) < 1e-8 && norm > nearest && norm < farthest ? x : undefined;
}

const sizeOf = ({ residual }) => Math.hypot(...residual.data);

/**
 * The problem of a neuron w with its best outgoing weight a = T/S, where T = Σ_j g(w, v_j) and S =
 * g(w, w). The loss is then that of a = 0 minus T²/S, so that ln T²/S has the critical points of
 * the loss but those with a = 0. The residual is its gradient times |w|, which has no scale.
 */
function problemOf(self, cross) {
  const teacher = k * self(1).value + k * (k - 1) * cross(1, 0).value;
  return (w) => {
    const p = w.reduce((sum, weight) => sum + weight ** 2, 0);
    const own = self(p);
    const others = Array.from({ length: k }, (_, j) => cross(p, w[j]));
    const total = (name) => others.reduce((sum, one) => sum + one[name], 0);
    const of = (name, i) => (i < k ? others[i][name] : 0);
    const [t, s] = [total("value"), own.value];
    const tSlope = w.map((x, i) => 2 * total("p") * x + of("c", i));
    const sSlope = w.map((x) => 2 * own.p * x);
    const norm = Math.sqrt(p);
    const slope = w.map((_, i) => (2 * tSlope[i]) / t - sSlope[i] / s);
    const jacobian = new Matrix(d, d);
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) {
        const same = i === j ? 1 : 0;
        const tCurve =
          4 * total("pp") * w[i] * w[j] +
          2 * (w[i] * of("pc", j) + w[j] * of("pc", i)) +
          same * (2 * total("p") + of("cc", i));
        const sCurve = 4 * own.pp * w[i] * w[j] + same * 2 * own.p;
        const curve =
          (2 * tCurve) / t -
          (2 * tSlope[i] * tSlope[j]) / t ** 2 -
          sCurve / s +
          (sSlope[i] * sSlope[j]) / s ** 2;
        jacobian.data[i + j * d] = norm * curve + (slope[i] * w[j]) / norm;
      }
    }
    const residual = new Matrix(
      d,
      1,
      slope.map((x) => norm * x),
    );
    return { residual, jacobian, loss: teacher - (t * t) / s, out: t / s };
  };
}

/** The problem of an activation whose kernel has a closed form. */
function closed(activation) {
  const kernel = kernelOf[activation];
  const overlap = (p, c) => ({ p, c, q: 1, area: Math.max(p - c * c, 0) });
  const cross = (p, c) => {
    const at = overlap(p, c);
    return { value: kernel.value(at), ...kernel.slopes(at), ...kernel.curvatures(at) };
  };
  const self = (p) => {
    if (activation === "relu") return { value: p / 2, p: 1 / 2, pp: 0 };
    const slope = 2 / Math.PI / ((1 + p) * Math.sqrt(1 + 2 * p));
    const value = (2 / Math.PI) * Math.asin(p / (1 + p));
    return { value, p: slope, pp: -slope * (1 / (1 + p) + 1 / (1 + 2 * p)) };
  };
  return problemOf(self, cross);
}

/**
 * The problem of an activation by Hermite polynomials: E σ(w·x)·σ(v·x) = Σ_n a_n·b_n·u^n with the
 * cosine u, and each derivative by c or p/2 takes one of each or two of σ(w·x) (Price 1958).
 */
function expanded(activation) {
  const sigma = activations[activation];
  const coefficients = (r) => {
    const values = nodes.map((z) => sigma(r * z));
    const of = (m) =>
      hermite.map((row) => row.reduce((sum, h, q) => sum + weights[q] * values[q][m] * h, 0));
    return { values, series: [0, 1, 2, 3, 4].map(of) };
  };
  const teacher = coefficients(1);
  let last = { p: NaN };
  const at = (p) => {
    if (last.p !== p) last = { p, r: Math.sqrt(p), ...coefficients(Math.sqrt(p)) };
    return last;
  };
  const cross = (p, c) => {
    const { r, series } = at(p);
    const u = c / r;
    const expectation = (i, j) => {
      let [sum, power] = [0, 1];
      for (let n = 0; n <= degree; n++) {
        sum += series[i][n] * teacher.series[j][n] * power;
        power *= u;
      }
      return sum;
    };
    return {
      value: expectation(0, 0),
      p: expectation(2, 0) / 2,
      c: expectation(1, 1),
      pp: expectation(4, 0) / 4,
      pc: expectation(3, 1) / 2,
      cc: expectation(2, 2),
    };
  };
  const self = (p) => {
    const { values } = at(p);
    const expectation = (compute) =>
      values.reduce((sum, value, q) => sum + weights[q] * compute(value), 0);
    return {
      value: expectation(([s]) => s * s),
      p: expectation(([s, s1, s2]) => s1 * s1 + s * s2),
      pp: expectation(([s, s1, s2, s3, s4]) => 3 * s2 * s2 + 4 * s1 * s3 + s * s4) / 2,
    };
  };
  return problemOf(self, cross);
}

/** Gauss and Hermite's rule for N(0, 1), and the normalised Hermite polynomials at its nodes. */
function quadrature(count) {
  const jacobi = new Matrix(count, count);
  for (let i = 1; i < count; i++) {
    jacobi.data[i * count + i - 1] = jacobi.data[(i - 1) * count + i] = Math.sqrt(i);
  }
  const { values, vectors } = symmetricEigen(jacobi);
  const all = Array.from(values);
  const shares = all.map((_, q) => vectors.get(0, q) ** 2);
  const rows = [all.map(() => 1), all];
  for (let n = 2; n <= degree; n++) {
    const [before, last] = [rows[n - 2], rows[n - 1]];
    rows.push(all.map((z, q) => (z * last[q] - Math.sqrt(n - 1) * before[q]) / Math.sqrt(n)));
  }
  return { nodes: all, weights: shares, hermite: rows };
}

function tanhOf(z) {
  const t = Math.tanh(z);
  const slope = 1 - t * t;
  return [t, slope, -2 * t * slope, (6 * t * t - 2) * slope, (16 * t - 24 * t ** 3) * slope];
}

/** (1 + tanh(z/2))/2 */
function sigmoid(z) {
  const half = tanhOf(z / 2).map((value, m) => value / 2 ** (m + 1));
  return [half[0] + 1 / 2, ...half.slice(1)];
}

/** erf(z/√2) */
function erf(z) {
  return 1 - 2 * normalTail(z);
}

function* listSizes(total, largest = total) {
  if (total === 0) yield [];
  for (let size = Math.min(total, largest); size > 0; size--)
    for (const rest of listSizes(total - size, size)) yield [size, ...rest];
}

/** Every way to divide 3 … 8 teacher neurons among fewer of the student, up to symmetry. */
function listPartitions() {
  return [3, 4, 5, 6, 7, 8].flatMap((size) => {
    const all = [...listSizes(size)].filter((sizes) => sizes.length < size);
    const lossOfSizes = (sizes) => sizes.reduce((sum, m) => sum + averagingLoss(m), 0);
    return all.map((sizes) => {
      const teacher = unitTeacher(size);
      const objective = new Distillation("erf", teacher, sizes.length);
      const x = flatten(copyAveragePoint(teacher.hidden, groupsOfSizes(sizes)));
      const rivals = all.filter(({ length }) => length === sizes.length).map(lossOfSizes);
      const measures = {
        gradient: Math.max(...objective.gradient(x).map(Math.abs)),
        loss: objective.value(x),
        best: Math.min(...rivals),
        copies: sizes.filter((m) => m === 1).length,
        n: sizes.length,
      };
      return { seed: 1, labels: { sizes: `${size}: ${sizes.join(" + ")}` }, measures };
    });
  });
}
