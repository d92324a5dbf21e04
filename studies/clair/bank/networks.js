// Small networks that the clients of a table train on their rows: dense changes of real clients, of
// 33 to about 1,300 numbers.
import { readFileSync } from "node:fs";
import { stream } from "@fedclair/linalg";
import { parse } from "csv-parse/sync";

/** Numbers of hidden units. */
export const networkSizes = [8, 32, 128];

const [learningRate, passes] = [0.05, 3];
/** A client trains on four fifths of its rows, and on at most as many. */
const [trainingShare, mostRows] = [0.8, 1500];
/** Larger errors count as this one, so that no client diverges. */
const largestError = 3;

/**
 * Trains a network with one layer of ReLUs for each client of a table, row by row. All start from
 * the same weights, and in later rounds from those with the mean change of the round before.
 * @param {string} file
 * @param {Pick<import("./natural.js").NaturalTable, "client" | "outputs">} columns
 * @param {{hidden: number, clients?: number, rounds?: number}} options
 * @returns {import("@fedclair/core").Update[][]} by round, then by client in the order of the file
 */
export function trainNetworks(file, { client, outputs }, { hidden, clients: most, rounds = 1 }) {
  const [head, ...lines] = parse(readFileSync(file));
  const columnsOf = (names) =>
    names.map((name) => standardise(lines.map((line) => Number(line[head.indexOf(name)]))));
  const x = columnsOf(head.filter((name) => name !== client && !outputs.includes(name)));
  const y = columnsOf(outputs);
  const clients = new Map();
  lines.forEach((line, row) => {
    const name = line[head.indexOf(client)];
    if (!clients.has(name)) clients.set(name, []);
    clients.get(name).push(row);
  });
  const samples = [...clients].slice(0, most).map(([clientId, rows]) => {
    const rng = stream("network").at(clientId);
    const count = Math.min(Math.ceil(trainingShare * rows.length), mostRows);
    const own = rng.sample(rows, count).map((i) => ({
      inputs: [...x.map((column) => column[i]), 1],
      outputs: y.map((column) => column[i]),
    }));
    return { clientId, rng, own };
  });
  let start = createNetwork(x.length, hidden, y.length);
  return Array.from({ length: rounds }, (_, round) => {
    const updates = samples.map(({ clientId, rng, own }) => {
      const delta = train(start, own, round === 0 ? rng : rng.at("round", round));
      return { clientId, numExamples: own.length, metrics: {}, delta };
    });
    start = addMean(start, updates);
    return updates;
  });
}

function addMean(start, updates) {
  return new Map(
    [...start].map(([name, { shape, data }]) => {
      const sum = data.slice();
      for (const { delta } of updates) {
        delta.get(name).data.forEach((change, i) => (sum[i] += change / updates.length));
      }
      return [name, { shape, data: sum }];
    }),
  );
}

function standardise(column) {
  const mean = column.reduce((sum, x) => sum + x, 0) / column.length;
  const variance = column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / column.length;
  return column.map((x) => (x - mean) / Math.sqrt(variance));
}

/** Weights of both layers, row-major, a row per input and one for the constant. */
function createNetwork(inputs, hidden, outputs) {
  const rng = stream("network start").at(inputs, hidden);
  const layer = (name, rows, columns) => ({
    shape: [rows, columns],
    data: rng.at(name).normals(rows * columns, 1 / Math.sqrt(rows)),
  });
  return new Map([
    ["hidden", layer("hidden", inputs + 1, hidden)],
    ["output", layer("output", hidden + 1, outputs)],
  ]);
}

/** @returns the change of the weights */
function train(start, samples, rng) {
  const [first, second] = [...start.values()].map(({ data }) => data.slice());
  const [hidden, outputs] = [...start.values()].map(({ shape }) => shape[1]);
  for (let pass = 0; pass < passes; pass++) {
    for (const sample of rng.at(pass).sample(samples, samples.length)) {
      const units = [...multiply(sample.inputs, first, hidden).map((s) => Math.max(0, s)), 1];
      const errors = multiply(units, second, outputs).map((guess, o) =>
        Math.max(-largestError, Math.min(largestError, guess - sample.outputs[o])),
      );
      for (let k = 0; k < hidden; k++) {
        if (units[k] === 0) continue;
        const slope = errors.reduce((sum, error, o) => sum + error * second[k * outputs + o], 0);
        sample.inputs.forEach((input, i) => {
          first[i * hidden + k] -= learningRate * slope * input;
        });
      }
      units.forEach((unit, k) => {
        errors.forEach((error, o) => {
          second[k * outputs + o] -= learningRate * error * unit;
        });
      });
    }
  }
  const trained = [first, second];
  return new Map(
    [...start].map(([name, { shape, data }], layer) => [
      name,
      { shape, data: data.map((x, i) => trained[layer][i] - x) },
    ]),
  );
}

/** A row times a row-major matrix. */
function multiply(row, matrix, columns) {
  const sums = new Array(columns).fill(0);
  row.forEach((x, i) => {
    for (let j = 0; j < columns; j++) sums[j] += x * matrix[i * columns + j];
  });
  return sums;
}
