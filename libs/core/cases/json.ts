import { UserError } from "../src/words/errors.js";
import type { Dense } from "../src/tensors/tensor.js";
import { Matrix } from "@fedclair/linalg";

/** A parsed JSON object whose fields are not checked yet. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns the fields of an object, or no fields if it is missing. @throws UserError otherwise */
export function asFields(value: unknown, name: string): Fields {
  if (value === undefined || value === null) return {};
  if (!isFields(value)) throw new UserError(`${name}: expected an object`);
  return value;
}

/** @throws UserError unless the value is an array */
export function asList(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new UserError(`${name}: expected an array`);
  return value;
}

export function asNumber(value: unknown, name: string): number {
  if (typeof value !== "number") throw new UserError(`${name}: expected a number`);
  return value;
}

/**
 * Converts nested arrays to a row-major tensor. The shape follows the first entries, so the tensor
 * of ragged arrays is inconsistent.
 */
export function jsonToTensor(value: unknown, name: string): Dense {
  const shape: number[] = [];
  for (let level: unknown = value; Array.isArray(level); level = level[0]) shape.push(level.length);
  const flat: unknown[] = asList(value, name).flat(Infinity);
  return { shape, data: Float64Array.from(flat, (x) => asNumber(x, name)) };
}

/** @throws UserError unless the value is an array of rows of one length */
export function jsonToMatrix(value: unknown, name: string): Matrix {
  const { shape, data } = jsonToTensor(value, name);
  const [rows = 0, cols = 0] = shape;
  if (shape.length !== 2 || data.length !== rows * cols) {
    throw new UserError(`${name}: expected rows of one length`);
  }
  return Matrix.fromRowMajor(rows, cols, data);
}
