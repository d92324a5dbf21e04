// Distils a teacher of handwritten digits into fewer neurons, and asks which neurons copy.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  gramNT,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  stream,
  sum,
  symmetricEigen,
} from "@fedclair/linalg";
import { Float64Adam } from "@fedclair/tasks/shared";
import { assign } from "../dist/src/assignment.js";
import { writePixels } from "../../../../studies/papers/data.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

/** Whitened principal components of an image, as in the paper's N(0, I). */
const inputs = 20;
const teacherNeurons = 8;
const studentNeurons = [2, 4, 6, 7];
const starts = 2;
const trainingImages = 1000;
const steps = 2000;
const learningRate = 0.02;
/** Least correlation of two neurons' outputs at which one copies the other, as for ReLU. */
const copies = 0.95;

/**
 * Trains a teacher erf network without biases on each of five sets of digits, ten outputs each, and
 * students on the teacher's outputs for the same images.
 * @returns {Promise<Run[]>} with `teacher` and `n` as labels; measures
 * `accuracy` of the teacher on other images, `loss` over the variance of the teacher's outputs, and
 * `copies`, the number of student neurons that copy one of the teacher's each
 */
export async function measure() {
  await writePixels();
  const runs = [];
  for (let teacher = 1; teacher <= 5; teacher++) {
    const rng = stream(teacher).at("digits teacher");
    const { images, labels } = await readDigits(teacher);
    const whole = whiten(images);
    const [train, test] = [rowsOf(whole, 0, trainingImages), rowsOf(whole, trainingImages)];
    const net = fit(train, oneHot(labels.slice(0, trainingImages)), teacherNeurons, rng.at("fit"));
    const accuracy = share(classify(net, test), labels.slice(trainingImages));
    const goal = outputsOf(net, train);
    for (const n of studentNeurons) {
      for (let start = 0; start < starts; start++) {
        const student = fit(train, goal.outputs, n, rng.at("student", n, start));
        const own = outputsOf(student, train);
        const error = meanSquare(subtractMatrices(own.outputs, goal.outputs));
        const measures = {
          accuracy,
          studentAccuracy: share(classify(student, test), labels.slice(trainingImages)),
          loss: error / meanSquare(goal.outputs),
          copies: countCopies(own.hidden, goal.hidden),
        };
        const labelsOfRun = { teacher: String(teacher), n: String(n) };
        runs.push({ seed: start + 1, labels: labelsOfRun, measures });
      }
    }
  }
  return runs;
}

async function readDigits(set) {
  const folder = join(import.meta.dirname, "../../runs/papers-data");
  const read = async (name) => (await readFile(join(folder, name), "utf8")).trim().split("\n");
  const [, ...rows] = await read(`pixels-${set}.csv`);
  const [, ...labels] = await read(`labels-${set}.csv`);
  const images = rows.map((line) => line.split(",").map(Number));
  // The images are sorted by digit, so that training and test images have to be drawn.
  const order = stream("digits teacher").sample([...images.keys()]);
  return {
    images: Matrix.fromRows(order.map((i) => images[i])),
    labels: order.map((i) => Number(labels[i])),
  };
}

/** The first principal components of the rows, each scaled to variance 1. */
function whiten(rows) {
  const points = rows.transpose();
  const n = points.cols;
  for (let p = 0; p < points.rows; p++) {
    let mean = 0;
    for (let i = 0; i < n; i++) mean += points.get(p, i) / n;
    for (let i = 0; i < n; i++) points.data[p + i * points.rows] -= mean;
  }
  const { values, vectors } = symmetricEigen(gramNT(points).scale(1 / n));
  const scores = multiplyTN(
    points,
    new Matrix(points.rows, inputs, vectors.data.slice(0, points.rows * inputs)),
  );
  for (let k = 0; k < inputs; k++) {
    const scale = 1 / Math.sqrt(values[k]);
    scores.column(k).forEach((x, i, column) => (column[i] = scale * x));
  }
  return scores;
}

/** Minimises the mean squared error by Adam on all rows, with a rate that falls by a cosine. */
function fit(x, y, neurons, rng) {
  const glorot = (rows, cols) =>
    new Matrix(rows, cols, rng.normals(rows * cols)).scale(Math.sqrt(2 / (rows + cols)));
  let net = { w: glorot(inputs, neurons), out: glorot(neurons, y.cols) };
  const adam = new Float64Adam(0.999);
  for (let step = 0; step < steps; step++) {
    const { sums, hidden, outputs } = outputsOf(net, x);
    const error = subtractMatrices(outputs, y).scale(2 / x.rows);
    const back = multiplyNT(error, net.out);
    back.data.forEach((slope, k) => {
      back.data[k] = slope * Math.sqrt(2 / Math.PI) * Math.exp(-(sums.data[k] ** 2) / 2);
    });
    const gradient = { w: multiplyTN(x, back), out: multiplyTN(hidden, error) };
    const rate = (learningRate / 2) * (1 + Math.cos((Math.PI * step) / steps));
    net = adam.step(net, gradient, rate);
  }
  return net;
}

/** σ(x) = erf(x/√2). */
function outputsOf({ w, out }, x) {
  const sums = multiply(x, w);
  const hidden = new Matrix(
    sums.rows,
    sums.cols,
    sums.data.map((s) => 1 - 2 * normalTail(s)),
  );
  return { sums, hidden, outputs: multiply(hidden, out) };
}

/** Pairs student neurons with different teacher neurons, and counts pairs that correlate. */
function countCopies(student, teacher) {
  // A square table: the rows beyond the students are teacher neurons that nobody copies.
  const cost = new Matrix(teacher.cols, teacher.cols);
  for (let i = 0; i < student.cols; i++) {
    for (let j = 0; j < teacher.cols; j++) {
      const value = Math.abs(correlation(student.column(i), teacher.column(j)));
      cost.data[i + j * teacher.cols] = value >= copies ? -1 : 0;
    }
  }
  return assign(cost).filter((j, i) => cost.get(i, j) < 0).length;
}

function correlation(a, b) {
  const [meanA, meanB] = [sum(a) / a.length, sum(b) / b.length];
  let [both, own, other] = [0, 0, 0];
  a.forEach((value, i) => {
    both += (value - meanA) * (b[i] - meanB);
    own += (value - meanA) ** 2;
    other += (b[i] - meanB) ** 2;
  });
  return both / Math.sqrt(own * other);
}

const subtractMatrices = (a, b) =>
  new Matrix(
    a.rows,
    a.cols,
    a.data.map((x, k) => x - b.data[k]),
  );

const meanSquare = ({ data }) => sum(data.map((x) => x ** 2)) / data.length;

const rowsOf = (x, from, to = x.rows) => Matrix.fromRows(x.toRows().slice(from, to));

const oneHot = (labels) =>
  Matrix.fromRows(
    labels.map((label) => Array.from({ length: 10 }, (_, k) => Number(k === label) - 0.1)),
  );

const classify = (net, x) =>
  outputsOf(net, x)
    .outputs.toRows()
    .map((row) => row.indexOf(Math.max(...row)));

const share = (guesses, labels) =>
  guesses.filter((guess, i) => guess === labels[i]).length / labels.length;
