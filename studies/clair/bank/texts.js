// Kinds of federations that train adapters on the texts of the pools over several rounds: one kind
// of text each, with settings of its own, so that kinds differ in their training as well. A kind
// has one run, since another one would have the same texts. The pools show single rounds.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

const trial = "text-copy/synthetic";
/** One text each; every kind has as many. */
const clients = 20;

const settings = [
  "",
  "task.localSteps=40",
  "task.sequences=64 task.localSteps=60 task.learningRate=0.003",
  "task.rank=8",
  "task.rank=2 task.sequences=20",
  "task.proximal=0.1 task.localSteps=30",
];

/**
 * Lists the kinds of text in a folder, if it is there.
 * @returns {Promise<import("./trials.js").TrialKind[]>}
 */
export async function listTextKinds(folder) {
  if (!existsSync(folder)) return [];
  const kinds = (await readdir(folder)).sort();
  return kinds.map((name, i) => {
    const source = JSON.stringify({ folder: join(folder, name) });
    const own = settings[i % settings.length].split(" ").filter((option) => option !== "");
    const set = [`task.source=${source}`, ...own];
    return { name: `texts, ${name}`, trial, set, counts: [clients], seeds: 1, isForRounds: true };
  });
}
