import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeSafetensors } from "@fedclair/core";
import { Matrix, stream } from "@fedclair/linalg";
import { encode } from "fast-png";
import { networkOf } from "../dist/src/params.js";
import { followPolicy, guidedGradient } from "../dist/src/sampling.js";
import { methodOf, names } from "./runs.js";

/** @typedef {import("../../../../studies/papers/data.js").Components} Components */

/** Images in a strip. */
const columns = 16;
const side = 28;
/** Pixels between images. */
const space = 2;
/** Size in pixels of a strip of some images. */
export const sizeOf = (count) => ({ width: count * (side + space) - space, height: side });
export const stripSize = sizeOf(columns);

/** Draws some points as images side by side. @param {Components} set */
export function drawTrue(label, set, points = set.points) {
  const some = stream("true images").sample(points).slice(0, columns);
  return drawPoints(label, set, some);
}

/** Draws all of some points as images side by side. @param {Components} set */
export function drawPoints(label, set, points) {
  return { label, url: drawStrip(points.map((point) => toImage(set, point))) };
}

/** Draws starting points of a normal source. @param {Components} set the target */
export function normalStarts({ components }) {
  const normals = stream("starts").normals(columns * components.length);
  return new Matrix(columns, components.length, normals);
}

/** Takes points of another set as starts, as the task scales them. @param {Components} target */
export function startsFrom(points, { means, deviation }) {
  const some = stream("true images").sample(points).slice(0, columns);
  return Matrix.fromRows(some.map((point) => point.map((x, c) => (x - means[c]) / deviation)));
}

/**
 * Draws what a run generates from each of the starts.
 * @param {Components} set the target
 * @param {Matrix} starts
 * @param {number} steps
 */
export async function drawGenerated(run, set, starts, steps) {
  const gradient = guidedGradient(await networkOfRun(run), undefined, methodOf(run));
  const ends = followPolicy(gradient, starts, steps).at(-1);
  const label = `${names[methodOf(run)]}, ${steps} ${steps === 1 ? "step" : "steps"}`;
  return drawScaled(label, set, ends.toRows());
}

/** Draws points on the scale of the task. @param {Components} set the target */
export function drawScaled(label, set, points) {
  return { label, url: drawStrip(points.map((point) => toImage(set, unscale(set, point)))) };
}

async function networkOfRun({ folder }) {
  const { params } = decodeSafetensors(await readFile(join(folder, "params.safetensors")));
  const entries = [...params].map(([name, tensor]) => [name.replace("global/", ""), tensor]);
  return networkOf(new Map(entries));
}

function unscale({ means, deviation }, point) {
  return point.map((x, c) => means[c] + deviation * x);
}

function toImage({ meanImage, components }, point) {
  return meanImage.map((mean, pixel) =>
    point.reduce((total, x, k) => total + x * components[k][pixel], mean),
  );
}

/** Draws images side by side, ink in black. */
function drawStrip(images) {
  const { width, height } = sizeOf(images.length);
  const data = new Uint8Array(width * height).fill(255);
  for (const [c, image] of images.entries()) {
    image.forEach((value, pixel) => {
      const x = c * (side + space) + (pixel % side);
      data[Math.floor(pixel / side) * width + x] =
        255 - Math.round(255 * Math.min(Math.max(value, 0), 1));
    });
  }
  const png = encode({ width, height, data, channels: 1, depth: 8 });
  return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
}
