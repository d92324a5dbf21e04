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
    seeds: { type: "string", default: "10" },
    truth: { type: "string", default: "4000" },
  },
});
const [studies, seeds, truthSeeds] = [values.studies, values.seeds, values.truth].map(Number);

/** A small federation whose results depend on the draw of the data. */
const file = `
name: coverage
rounds: 1
clients: 6
task: { name: linear-regression, p: 10, q: 5, rank: 3, samples: 20 }
aggregator: { name: fedavg }
baselines: [{ label: local, aggregator: { name: local } }]
attacks: [{ attack: { name: sign-flip }, count: 1 }]
`;
const { signal } = new AbortController();
const plugins = await loadBuiltIn();
await loadBackend("wasm");

/** Runs a study as `fedclair sweep` does, in memory. @returns its results */
async function runStudy(own, overrides = []) {
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
  return computeResults(sweep, summaries);
}

/** Reads the mean error of FedAvg, and its difference from training alone. */
function readEstimates({ tables, differences }) {
  const table = tables.find(({ measure }) => measure === "error");
  const difference = differences.find(({ measure }) => measure === "error");
  return { error: table?.cells[0]?.[0], difference };
}

const numbersFrom = (first, count) => Array.from({ length: count }, (_, i) => first + i);

/** Estimates the truth from seeds that no study has. */
async function measureTruth() {
  const found = [];
  for (let first = 1; first <= truthSeeds; first += 500) {
    const own = numbersFrom(1_000_000 + first, Math.min(500, truthSeeds - first + 1));
    found.push(readEstimates(await runStudy(own)));
  }
  const weigh = (name) => mean(found.map((one) => one[name]?.mean ?? NaN));
  return { error: weigh("error"), difference: weigh("difference") };
}

const truth = await measureTruth();
console.error(`truth: error ${truth.error}, difference ${truth.difference}`);
/** Options of a study by how it draws its data. */
const draws = {
  "for each seed": () => [],
  "once for each study": (study) => [`task.dataSeed=${study}`],
};
const rows = [];
for (const [draw, overrides] of Object.entries(draws)) {
  const covered = { error: 0, difference: 0 };
  for (let study = 1; study <= studies; study++) {
    const own = numbersFrom(1 + study * seeds, seeds);
    const estimates = readEstimates(await runStudy(own, overrides(study)));
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
