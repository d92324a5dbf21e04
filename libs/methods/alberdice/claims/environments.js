// Offline data of rware and lbforaging, policies learnt from them, and these policies played there.
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { mean } from "@fedclair/linalg";
import { startPeer } from "../../../../studies/papers/peers.js";
import { readRuns, runSweep } from "../../../../studies/papers/runs.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

const packages = [
  "rware==2.0.0",
  "lbforaging==2.0.0",
  "gymnasium==1.4.0",
  "numpy==2.4.6",
  "safetensors==0.8.0",
];
const root = join(import.meta.dirname, "../../../..");
const data = join(root, "runs/papers-data");
const sweep = "libs/methods/alberdice/sweeps/alberdice-environments.yaml";
const seeds = [1, 2, 3, 4, 5];

/**
 * The data, and the last weight of the penalty for them. In the warehouse it is the best of 0.01,
 * 0.1 and 0.5 for AlberDICE with mixed and poor data of seed 0. Policies play a number of episodes:
 * one in the warehouse has 500 steps, on the board at most 50.
 */
const settings = [
  { environment: "foraging", recipes: ["expert", "mixed", "poor"], alpha: 0.01, episodes: 50 },
  { environment: "warehouse", recipes: ["expert", "mixed"], alpha: 0.1, episodes: 4 },
  { environment: "warehouse", recipes: ["poor"], alpha: 0.01, episodes: 4 },
];

/**
 * The methods that ignore what others learn: one turn of each agent, at the last weight of the
 * penalty, is the same as all sixteen.
 */
const alone = ["behaviour-cloning", "icq", "omar", "optidice", "independent-dice"];
const parts = {
  alberdice: () => [],
  alone: (alpha) => [
    `task.method=[${alone.join(", ")}]`,
    "task.sweeps=1",
    `task.alphaFirst=${alpha}`,
  ],
};

/** Starts the program that makes data and plays policies. @throws Fault without its packages */
export function startEnvironments() {
  return startPeer(import.meta.dirname, "environments.py", packages);
}

/**
 * Makes all data, learns from them with each method and plays the policies. Finished trials are
 * skipped.
 * @param {string} out folder for the trials' runs
 * @returns {Promise<Run[]>} with the labels `environment`, `recipe` and
 * `method`, which is `data` for the script that made the data; and with the measures `return`,
 * `steps`, `unseen` and `unknown`, see `play` in environments.py
 * @throws Fault without Python or its packages
 */
export async function measure(out) {
  const peer = await startEnvironments();
  await mkdir(data, { recursive: true });
  const runs = [];
  for (const seed of seeds) {
    for (const { environment, recipes, alpha, episodes } of settings) {
      const files = [];
      for (const recipe of recipes) {
        const make = join(data, `${environment}-${recipe}-${seed}.csv`);
        const { returns } = await peer.ask({ make, environment, recipe, seed });
        const labels = { environment, recipe, method: "data" };
        runs.push({ seed, labels, measures: { return: mean(returns) } });
        files.push(make);
      }
      const source = [`task.source.file=${JSON.stringify(files)}`, `task.alphaLast=${alpha}`];
      for (const [name, more] of Object.entries(parts)) {
        const folder = join(out, [environment, ...recipes, name, seed].join("-"));
        await runSweep(sweep, folder, { set: [`seed=${seed}`, ...source, ...more(alpha)] });
        for (const run of readRuns(folder)) runs.push(await play(peer, run, episodes));
      }
    }
  }
  await peer.close();
  return runs;
}

/** Plays the policies of a run in the environment that its data come from. */
async function play(peer, { seed, at, folder }, episodes) {
  const file = at("task.source.file");
  const [environment, recipe] = basename(file).split("-");
  const params = join(folder, "params.safetensors");
  const question = { play: params, data: file, environment, seed, episodes };
  const { returns, ...measures } = await peer.ask(question);
  const labels = { environment, recipe, method: at("task.method") };
  return { seed, labels, measures: { ...measures, return: mean(returns) } };
}
