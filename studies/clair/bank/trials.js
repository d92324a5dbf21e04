// Kinds of federations that trials simulate, without their attacks: tasks whose data, models or
// training differ. Their runs are measured and kept in files.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { trialFile } from "../../../scripts/shipped.js";
import { hashCode } from "../../support/hash-code.js";
import { cached, measuringCode, reviveMeasures } from "./cache.js";
import { measureRounds } from "./measure.js";

/**
 * A kind of federations.
 * @typedef {object} TrialKind
 * @property {string} name
 * @property {string} trial
 * @property {readonly string[]} set options, as for --set
 * @property {readonly number[]} counts numbers of clients
 * @property {boolean} [isSampled] whether clients take part in some rounds only; then only scores
 *   over rounds are used
 * @property {boolean} [isForRounds] whether other sources show single rounds of such clients better
 * @property {number} [seeds] number of runs for each number of clients, if not as many as wanted
 */

/** For scores over rounds the trials take this many rounds, most of them more than their own. */
const manyRounds = 6;

/**
 * Each kind has one solution that its honest clients come near. With `init=shared`, clients of
 * copy-average end in one of several exact solutions: nobody can tell nine honest ones of twenty in
 * another solution from nine colluders, so no threshold may depend on them.
 * @type {readonly TrialKind[]}
 */
export const trialKinds = [
  kind("linear-regression", "linear-regression/gaussian", "", [20, 100]),
  kind("linear-regression, few samples", "linear-regression/gaussian", "samples=45", [20]),
  kind("linear-regression, large", "linear-regression/gaussian", "p=60 q=40 rank=6", [20]),
  kind("linear-regression, little noise", "linear-regression/gaussian", "noise=0.2 rank=2", [20]),
  kind("linear-regression, rank 1", "linear-regression/gaussian", "rank=1 samples=200", [20]),
  kind("denoising", "denoising/collude-002", "", [20, 100]),
  kind("denoising, common part", "denoising/sign-flip", "", [20, 100]),
  kind("denoising, uneven", "denoising/heterogeneity", "", [20]),
  kind("denoising, rank 1", "denoising/collude-002", "rank=1 noise=0.05", [20]),
  kind("denoising, half in common", "denoising/sign-flip", "common=0.5", [20]),
  kind("denoising, large", "denoising/collude-002", "p=48 q=32 rank=4 noise=0.03", [20]),
  kind("network", "network/shuffled", "", [20, 50]),
  kind("network, few samples", "network/few-samples", "", [20]),
  kind("network, wide", "network/shuffled", "hidden=32 rank=4", [20]),
  kind("network, short training", "network/shuffled", "localSteps=100 noise=0.2", [20]),
  kind("network, little noise", "network/shuffled", "noise=0.1 rank=1", [20]),
  kind("copy-average", "copy-average/other-teacher", "", [20]),
  kind("copy-average, noise", "copy-average/noise", "", [20]),
  kind("copy-average, ReLU", "copy-average/other-teacher", "activation=relu", [20]),
  kind("copy-average, sine", "copy-average/other-teacher", "activation=sine k=4", [20]),
  kind("digits", "digits/iid-label-flip", "", [20]),
  kind("digits, long training", "digits/iid-label-flip", "localEpochs=3", [20]),
  kind("digits, LoRA", "digits/dirichlet-label-flip", "", [20]),
  kind("digits, logistic", "digits/iid-label-flip", "model=logistic", [20]),
  kind("digits, uneven", "digits/iid-label-flip", 'partition={"by":"dirichlet","alpha":0.5}', [20]),
  kind("digits, two classes", "digits/iid-label-flip", 'partition={"by":"shards"}', [20]),
  kind("text-copy", "text-copy/synthetic", "", [10, 30]),
  kind("text-copy, long training", "text-copy/synthetic", "localSteps=60 sequences=64", [20]),
  { name: "digits, sampled", trial: "digits/sampled", set: [], counts: [100], isSampled: true },
];

/** @param {string} task options of the task, with spaces between them */
function kind(name, trial, task, counts) {
  const set = task === "" ? [] : task.split(" ").map((option) => `task.${option}`);
  return { name, trial, set, counts };
}

/**
 * Measures runs of a kind, unless a file has them.
 * @param {TrialKind} kind
 * @param {number} wanted number of runs for each number of clients
 * @param {string} cache folder of the files
 * @returns {Promise<{ownRounds: number, runs: import("@fedclair/clair").MeasuredRun[]}>}
 */
export async function measureTrials(
  { name, trial, set, counts, isSampled, seeds: own },
  wanted,
  cache,
  plugins,
) {
  const seeds = own ?? wanted;
  const ownRounds = parse(readFileSync(trialFile(trial), "utf8")).rounds;
  const rounds = isSampled ? ownRounds : Math.max(ownRounds, manyRounds);
  const code = [...measuringCode, "libs/tasks/dist/src"];
  const key = `${hashCode(code)} ${JSON.stringify({ trial, set, counts, rounds, seeds })}`;
  const file = join(cache, "trials", `${name.replace(/\W+/g, "-")}.json`);
  const { runs } = await cached(file, key, async () => {
    const measured = [];
    for (const clients of counts) {
      const fixed = [`clients=${clients}`, `rounds=${rounds}`, "attacks=[]", ...set];
      for (let seed = 1001; seed < 1001 + seeds; seed++) {
        const run = [];
        for await (const round of measureRounds(trial, plugins, [`seed=${seed}`, ...fixed]))
          if (round.measures) run.push(round); // nothing to compare once no client changes
        measured.push(run);
      }
    }
    return { runs: measured };
  });
  return { ownRounds, runs: runs.map((run) => run.map(reviveRound)) };
}

function reviveRound({ ids, measures }) {
  return { ids, measures: reviveMeasures(measures) };
}
