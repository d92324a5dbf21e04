// npm run lab -- coverage [--studies N] [--seeds N] [--truth N]: how many 95 % intervals of studies
// contain the truth (docs/seeds.md). Each study has seeds of its own. Its data are redrawn for each
// seed, as `fedclair sweep` does by default, or drawn once for all of them. The truth is the mean
// over many other seeds with data of their own.
import { loadBackend } from "@fedclair/compute";
import { ClientRunner, MemoryPool, readTrialSource } from "@fedclair/core/internal";
import { mean } from "@fedclair/linalg";
import { loadBuiltIn } from "@fedclair/plugins";
import { computeResults, parseSweep, runTrial, summarise, wilsonInterval } from "@fedclair/runs";
import { parseArguments } from "../../scripts/arguments.js";
import { markdown } from "../support/text.js";

const { values } = parseArguments({
  options: {
    studies: { type: "string", default: "400" },
    seeds: { type: "string", default: "20" },
    truth: { type: "string", default: "3000" },
  },
});
const [studies, seeds, truthSeeds] = [values.studies, values.seeds, values.truth].map(Number);

/** A small federation whose results depend on the draw of the data. */
const file = `
name: coverage
rounds: 1
clients: 6
task: { name: network, inputs: 6, hidden: 8, outputs: 8, samples: 40, localSteps: 20, testSamples: 100 }
aggregator: { name: fedavg }
baselines: [{ label: local, aggregator: { name: local } }]
attacks: [{ attack: { name: sign-flip }, count: 1 }]
`;
const { signal } = new AbortController();
const plugins = await loadBuiltIn();
await loadBackend("wasm");

/**
 * Runs seeds as `fedclair sweep` does, in memory, and divides them into studies.
 * @param {readonly number[]} own
 * @param {number} size of a study
 * @param {readonly string[]} [overrides]
 * @returns the results of each study
 */
async function runStudies(own, size, overrides = []) {
  const source = readTrialSource(file, "coverage.yaml", [`seeds=[${own.join()}]`, ...overrides]);
  const sweep = parseSweep(source, plugins);
  const summaries = new Map();
  for (const trial of sweep.trials) {
    const prepared = trial.prepare();
    const pool = new MemoryPool(new ClientRunner(prepared));
    await pool.ready();
    const records = [];
    for await (const { arm, event } of runTrial(prepared, pool, signal))
      if (event.kind === "round") records.push({ arm: arm.label, ...event.record });
    await pool.close();
    summaries.set(trial.id, summarise(trial.trial, prepared.measures.metrics ?? {}, records));
  }
  return divide(sweep.trials, size).map((trials) =>
    computeResults({ ...sweep, trials }, summaries),
  );
}

/** Divides a list into parts of a size. */
function divide(all, size) {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
    all.slice(i * size, (i + 1) * size),
  );
}

/** Reads the mean error of FedAvg, and its difference from training alone. */
function readEstimates({ tables, differences }) {
  const table = tables.find(({ measure }) => measure === "mse");
  const difference = differences.find(({ measure }) => measure === "mse");
  return { error: table?.cells[0]?.[0], difference };
}

const numbersFrom = (first, count) => Array.from({ length: count }, (_, i) => first + i);

/** The most seeds of a sweep. */
const most = 1000;

/** Estimates the truth from seeds that no study has. */
async function measureTruth() {
  const found = [];
  for (const own of divide(numbersFrom(1_000_000, truthSeeds), most)) {
    const [results] = await runStudies(own, own.length);
    if (results) found.push(readEstimates(results));
  }
  const weigh = (name) => mean(found.map((one) => one[name]?.mean ?? NaN));
  return { error: weigh("error"), difference: weigh("difference") };
}

const truth = await measureTruth();
console.error(`truth: error ${truth.error}, difference ${truth.difference}`);
/** Runs all studies, by how they draw their data. */
const draws = {
  "for each seed": async () => {
    const all = divide(numbersFrom(1, studies * seeds), most - (most % seeds));
    const parts = [];
    for (const own of all) parts.push(...(await runStudies(own, seeds)));
    return parts;
  },
  "once for each study": async () => {
    const parts = [];
    for (const [study, own] of divide(numbersFrom(1, studies * seeds), seeds).entries())
      parts.push(...(await runStudies(own, seeds, [`task.dataSeed=${study + 1}`])));
    return parts;
  },
};
const rows = [];
for (const [draw, run] of Object.entries(draws)) {
  const covered = { error: 0, difference: 0 };
  for (const results of await run()) {
    const estimates = readEstimates(results);
    for (const name of /** @type {const} */ (["error", "difference"])) {
      const { low = NaN, high = NaN } = estimates[name]?.interval ?? {};
      if (low <= truth[name] && truth[name] <= high) covered[name]++;
    }
  }
  const format = (hits) => {
    const { low, high } = wilsonInterval(hits, studies);
    const [share, from, to] = [hits / studies, low, high].map((one) => (100 * one).toFixed(1));
    return `${share} % (${from}–${to} %)`;
  };
  rows.push([draw, format(covered.error), format(covered.difference)]);
}
console.log(markdown([["data are drawn", "error of FedAvg", "FedAvg − local, paired"], ...rows]));
