import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeSafetensors } from "@fedclair/core";
import { Matrix, stream } from "@fedclair/linalg";
import { encode } from "fast-png";
import { networkOf } from "../../libs/tasks/dist/src/value-driven-transport/params.js";
import {
  followPolicy,
  guidedGradient,
} from "../../libs/tasks/dist/src/value-driven-transport/sampling.js";
import { readComponents } from "./data.js";

const columns = 16;
const side = 28;
/** Pixels between images. */
const space = 2;

/**
 * Draws generated images: one row of true images, as their principal components show them, then for
 * each run the same starts after one step and after a hundred.
 * @param {string} file the table of components
 * @param {readonly { folder: string, method: string }[]} runs
 * @returns {Promise<Uint8Array>} a PNG
 */
export async function drawSamples(file, runs) {
  const { points, means, components } = await readComponents(file);
  // As the task scales points: by one number to a mean variance of 1.
  const squares = points.flat().reduce((total, x) => total + x ** 2, 0);
  const scale = Math.sqrt(squares / points.length / components.length);
  const toImage = (point) =>
    means.map((mean, pixel) =>
      point.reduce((total, x, k) => total + x * components[k][pixel], mean),
    );
  const dimensions = components.length;
  const rng = stream("samples");
  const starts = new Matrix(columns, dimensions, rng.normals(columns * dimensions));
  const rows = [points.slice(0, columns).map(toImage)];
  for (const { folder, method } of runs) {
    const params = decodeSafetensors(await readFile(join(folder, "params.safetensors")));
    const network = networkOf(params);
    const gradient = guidedGradient(network, { condition: [], weight: 0 }, method);
    for (const steps of [1, 100]) {
      const ends = followPolicy(gradient, starts, steps).at(-1).scale(scale);
      rows.push(ends.toRows().map(toImage));
    }
  }
  return encode(tile(rows));
}

function tile(rows) {
  const [width, height] = [columns, rows.length].map((count) => count * (side + space) - space);
  const data = new Uint8Array(width * height).fill(255);
  for (const [r, images] of rows.entries()) {
    for (const [c, image] of images.entries()) {
      image.forEach((value, pixel) => {
        const y = r * (side + space) + Math.floor(pixel / side);
        const x = c * (side + space) + (pixel % side);
        data[y * width + x] = 255 - Math.round(255 * Math.min(Math.max(value, 0), 1));
      });
    }
  }
  return { width, height, data, channels: 1, depth: 8 };
}
