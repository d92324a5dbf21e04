// Offline data of rware and lbforaging, policies learnt from them, and these policies played there.
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { mean } from "@fedclair/runs";
import { startPeer } from "./peers.js";
import { readRuns, runSweep } from "./runs.js";

const packages = [
  "rware==2.0.0",
  "lbforaging==2.0.0",
  "gymnasium==1.4.0",
  "numpy==2.4.6",
  "safetensors==0.8.0",
];
const root = join(import.meta.dirname, "../..");
const data = join(root, "runs/papers-data");
const sweep = "sweeps/papers/alberdice-environments.yaml";
const recipes = ["expert", "mixed", "poor"];
const seeds = [1, 2, 3, 4, 5];
/** Episodes that policies play. One in the warehouse has 500 steps, on the board at most 50. */
const episodes = { foraging: 50, warehouse: 3 };

/**
 * The methods that ignore what others learn: one turn of each agent, at the last weight of the
 * penalty, is the same as all sixteen.
 */
const alone = ["behaviour-cloning", "icq", "omar", "optidice", "independent-dice"];
const parts = {
  alberdice: [],
  alone: [`task.method=[${alone.join(", ")}]`, "task.sweeps=1", "task.alphaFirst=0.01"],
};

/** Starts the program that makes data and plays policies. @throws Fault without its packages */
export function startEnvironments() {
  return startPeer("environments.py", packages);
}

/**
 * Makes all data, learns from them with each method and plays the policies. Finished trials are
 * skipped.
 * @returns {Promise<import("./runs.js").Run[]>} with `environment`, `recipe` and `method` as labels;
 * measures `return`, `unseen` and `unknown`, see `play` in environments.py. The method `data` is the
 * script that made the data
 * @throws Fault without Python or its packages
 */
export async function measure() {
  const peer = await startEnvironments();
  await mkdir(data, { recursive: true });
  const runs = [];
  for (const seed of seeds) {
    const files = [];
    for (const environment of Object.keys(episodes)) {
      for (const recipe of recipes) {
        const make = join(data, `${environment}-${recipe}-${seed}.csv`);
        const { returns } = await peer.ask({ make, environment, recipe, seed });
        const labels = { environment, recipe, method: "data" };
        runs.push({ seed, labels, measures: { return: mean(returns) } });
        files.push(make);
      }
    }
    for (const [name, set] of Object.entries(parts)) {
      const out = join(root, "runs/papers/alberdice-environments", `${name}-${seed}`);
      const file = `task.source.file=${JSON.stringify(files)}`;
      await runSweep(sweep, out, { set: [`seed=${seed}`, file, ...set] });
      for (const run of readRuns(out)) runs.push(await play(peer, run));
    }
  }
  await peer.close();
  return runs;
}

/** Plays the policies of a run in the environment that its data come from. */
async function play(peer, { seed, at, folder }) {
  const file = at("task.source.file");
  const [environment, recipe] = basename(file).split("-");
  const { returns, ...measures } = await peer.ask({
    play: join(folder, "params.safetensors"),
    data: file,
    environment,
    seed,
    episodes: episodes[environment],
  });
  const labels = { environment, recipe, method: at("task.method") };
  return { seed, labels, measures: { ...measures, return: mean(returns) } };
}
