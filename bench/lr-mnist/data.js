// The digits of LR-MNIST, the same files for all sides: 84,372 of them, IDX, in `runs/bench`, made at the first call.
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stream } from "@fedclair/linalg";
import { loadTasks, readMnist } from "@fedclair/tasks";
import { holdings, reserve } from "../../libs/tasks/dist/src/digits/holdings.js";

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
};

/** What a trial file says of it. */
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
 * @returns {Promise<{ folder: string, trial: string }>} what the other sides read; a file of the trial as JSON, which YAML takes too
 * @throws UserError where the npm package of digits is not there and cannot be fetched
 */
export async function lrMnist() {
  const place = { folder, trial: join(folder, "trial.yaml") };
  if (existsSync(folder)) return place;
  const made = `${folder}.unfinished`;
  await rm(made, { recursive: true, force: true });
  await mkdir(join(made, "digits"), { recursive: true });
  const held = moved(await readMnist());
  await writeFile(
    join(made, "digits/train-images-idx3-ubyte"),
    idx([count, side, side], held.images),
  );
  await writeFile(join(made, "digits/train-labels-idx1-ubyte"), idx([count], held.labels));
  await writeFile(join(made, "parts.json"), JSON.stringify(await parts(held)));
  await writeFile(join(made, "trial.yaml"), JSON.stringify(trial));
  await rename(made, folder);
  return place;
}

/** The package's 10,000 again and again, from the second time on each moved by up to two pixels, so that no two are the same. */
function moved({ images, labels }) {
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

function idx(shape, data) {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.set([0, 0, 8, shape.length]);
  shape.forEach((n, i) => head.writeUInt32BE(n, 4 + 4 * i));
  return Buffer.concat([head, Uint8Array.from(data)]);
}

/** Which digits each client trains on, as the task deals them, and those that all are measured on. */
async function parts(held) {
  const { name: _, ...chosen } = task;
  const { tasks } = await loadTasks("digits");
  const options = tasks.get("digits").schema.parse(chosen);
  const training = holdings(options, held, clients).map((part) =>
    Array.from(part.subarray(0, Math.min(Math.ceil(0.8 * part.length), part.length - 1))),
  );
  return { training, test: reserve(options, count).uniform };
}
