// Trains LoRA adapters with each aggregator at the learning rate that is best on seeds of its own.
import { join } from "node:path";
import { mean } from "@fedclair/linalg";
import { groupBy } from "../../../studies/support/group-by.js";
import { readRuns, runSweep } from "../../../studies/papers/runs.js";

/** @typedef {import("../../../studies/papers/runs.js").Run} Run */

const sweep = "libs/rules/sweeps/lora.yaml";
const rates = [0.01, 0.03, 0.1, 0.3];
/** Seeds for the choice of rates. */
const held = [101, 102, 103];
/** Half of the clients learn to shift tokens instead of copying them. */
const twoFunctions = "attacks=[{attack: {name: target-shift}, count: 4}]";

/** Each aggregator with the adapters that its paper has. FLoRA starts afresh by definition. */
export const aggregators = {
  FedIT: { aggregator: "fedit" },
  "FedIT, fresh adapters": { aggregator: "fedit", adapters: "fresh" },
  FLoRA: { aggregator: "flora", adapters: "fresh" },
  "FFA-LoRA": { aggregator: "fedit", trainA: false },
  "FedSA-LoRA": { aggregator: "fedsa-lora" },
  local: { aggregator: "local" },
};
/**
 * Overrides by what is trained: one function for all clients, two, or one for three rounds only,
 * before all aggregators copy nearly everything.
 */
const kinds = { one: [], two: [twoFunctions], early: ["rounds=3"] };
const forFlora = ["FFA-LoRA", "FedSA-LoRA", "local"];
/**
 * FLoRA has no part of its own for a client, and the early rounds and mixed ranks are for its sake.
 */
const areSkipped = {
  two: ["FLoRA", "FedIT, fresh adapters"],
  early: forFlora,
  ranks: forFlora,
};

/**
 * @param {string} out folder for the trials' runs
 * @param {object} [options]
 * @param {Readonly<Record<string, readonly string[]>>} [chosen] overrides by what is trained
 * @returns {Promise<Run[]>} with the labels `part`, `functions`, `method` and `rate`; part `grid`
 * has all rates, part `best` the best one
 */
export async function measure(out, { seeds = 8, wants = () => true } = {}, chosen = kinds) {
  const runs = [];
  for (const [functions, overrides] of Object.entries(chosen)) {
    for (const [method, { aggregator, adapters = "lasting", trainA = true }] of Object.entries(
      aggregators,
    )) {
      if (areSkipped[functions]?.includes(method)) continue;
      if (!wants({ functions, method })) continue;
      const train = async (part, own, ofRates) => {
        const set = [
          `aggregator={name: ${aggregator}}`,
          `task.adapters=${adapters}`,
          `task.trainA=${trainA}`,
          `task.learningRate=[${ofRates}]`,
          `seeds=[${own}]`,
          ...overrides,
        ];
        const folder = join(out, `${functions}-${method.replaceAll(/\W/g, "-")}-${part}`);
        await runSweep(sweep, folder, { set });
        return readRuns(folder).map(({ seed, at, measures }) => {
          const labels = { part, functions, method, rate: at("task.learningRate") };
          const of = (name) => measures[`${name}.${aggregator}`];
          const [accuracy, uniform, loss] = ["accuracy", "uniformAccuracy", "loss"].map(of);
          return { seed, labels, measures: { accuracy, uniform, loss } };
        });
      };
      const grid = await train("grid", held, rates);
      const byRate = [...groupBy(grid, ({ labels }) => labels.rate)].map(([rate, group]) => ({
        rate,
        score: mean(group.map(({ measures }) => measures.accuracy)),
      }));
      const best = byRate.reduce((a, b) => (b.score > a.score ? b : a));
      const own = Array.from({ length: seeds }, (_, k) => k + 1);
      runs.push(...grid, ...(await train("best", own, [best.rate])));
    }
  }
  return runs;
}
