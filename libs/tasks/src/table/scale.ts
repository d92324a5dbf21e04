import {
  UserError,
  type Dense,
  type Numbers,
  type Params,
  type Shapes,
  type TrainResult,
  type Update,
} from "@fedclair/core";
import { at, item } from "@fedclair/linalg";
import type { TableRows } from "./rows.js";

/*
 * The units of the columns: the mean and the deviation of every column of numbers, inputs first and
 * then outputs. Clients send sums before round 1; the coordinator adds them up, and the result
 * travels with the params as the module `scale`, which nobody trains.
 */

/** The module of the params with a mean and a deviation per column. */
export const scaleModule = "scale";

/** Returns what a client must answer; undefined if the table has no column of numbers. */
export function surveyShapes(rows: TableRows): Shapes | undefined {
  const columns = countColumns(rows);
  const shape = [columns, 3];
  return columns > 0 ? new Map([["sums", { shape, dtype: "f64", isDense: true }]]) : undefined;
}

function countColumns({ inputs, outputNames }: TableRows): number {
  return inputs.numeric.length + outputNames.length;
}

/** Computes a client's answer: the count, the mean and the variance of every column of numbers. */
export function sumColumns(rows: TableRows, held: Int32Array): TrainResult {
  const { inputs, outputs, outputNames } = rows;
  const readers = [
    ...inputs.numeric.map(({ place }) => (row: number) => {
      return item(inputs.values, row * inputs.width + place);
    }),
    ...outputNames.map((_, j) => (row: number) => item(outputs, row * outputNames.length + j)),
  ];
  const data = new Float64Array(3 * readers.length);
  readers.forEach((read, j) => {
    const present = Float64Array.from(held, read).filter((value) => !Number.isNaN(value));
    const mean = present.reduce((sum, value) => sum + value / present.length, 0);
    const variance = present.reduce((sum, x) => sum + (x - mean) ** 2 / present.length, 0);
    data.set([present.length, mean, variance], 3 * j);
  });
  const sums = { shape: [readers.length, 3], data };
  return { numExamples: held.length, delta: new Map([["sums", sums]]), metrics: {} };
}

/** Adds up the clients' answers. @returns a mean and a deviation per column */
export async function poolSums(columns: number, answers: AsyncIterable<Update>): Promise<Dense> {
  const counts = new Float64Array(columns);
  const means = new Float64Array(columns);
  const variances = new Float64Array(columns);
  for await (const { delta } of answers) {
    const sums = delta.get("sums");
    if (!sums || !("data" in sums)) continue;
    for (let j = 0; j < columns; j++) {
      const [n = 0, mean = 0, variance = 0] = sums.data.subarray(3 * j, 3 * j + 3);
      if (!(n > 0) || !(variance >= 0)) continue;
      const before = at(counts, j);
      const all = before + n;
      const distance = mean - at(means, j);
      const between = (before * n * distance ** 2) / all ** 2;
      variances[j] = (before * at(variances, j) + n * variance) / all + between;
      means[j] = at(means, j) + (n * distance) / all;
      counts[j] = all;
    }
  }
  const data = new Float64Array(2 * columns);
  means.forEach((mean, j) => {
    const variance = at(variances, j);
    // The deviation of equal numbers is only rounding error.
    data.set([mean, variance > 1e-24 * mean ** 2 ? Math.sqrt(variance) : 1], 2 * j);
  });
  return { shape: [columns, 2], data };
}

/** The params without the scale, and the scale. */
interface Split {
  readonly params: Params;
  readonly scale: Numbers;
}

/**
 * Takes the scale out of the params of a job. The coordinator gets the message of the error, so it
 * contains only numbers of columns.
 * @throws UserError if the params are for other columns
 */
export function splitScale(rows: TableRows, all: Params): Split {
  const columns = countColumns(rows);
  const { shape: [found = 0] = [], data = new Float64Array(0) } = all.get(scaleModule) ?? {};
  if (found !== columns) {
    throw new UserError(
      `table: the params are for ${found} columns of numbers, and the table of this host has ${columns}: give every host a table with the same columns`,
    );
  }
  return { params: withoutScale(all), scale: data };
}

export function withoutScale(params: Params): Params {
  return new Map([...params].filter(([name]) => name !== scaleModule));
}

/**
 * Standardises rows of inputs. A missing number becomes the mean, which is 0.
 * @param places the rows
 */
export function standardiseInputs(
  { inputs }: TableRows,
  scale: Numbers,
  places: ArrayLike<number>,
): Float64Array {
  const { values, width, numeric } = inputs;
  const out = new Float64Array(places.length * width);
  for (let i = 0; i < places.length; i++) {
    const row = item(places, i);
    out.set(values.subarray(row * width, (row + 1) * width), i * width);
    numeric.forEach(({ place }, j) => {
      const value = (at(out, i * width + place) - item(scale, 2 * j)) / item(scale, 2 * j + 1);
      out[i * width + place] = Number.isNaN(value) ? 0 : value;
    });
  }
  return out;
}

/** Standardises the numbers to predict. */
export function standardiseOutputs(
  { inputs, outputs, outputNames }: TableRows,
  scale: Numbers,
  places: ArrayLike<number>,
): Float64Array {
  const q = outputNames.length;
  const first = 2 * inputs.numeric.length;
  return Float64Array.from({ length: places.length * q }, (_, k) => {
    const j = k % q;
    const value = item(outputs, item(places, Math.floor(k / q)) * q + j);
    return (value - item(scale, first + 2 * j)) / item(scale, first + 2 * j + 1);
  });
}
