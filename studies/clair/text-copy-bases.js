// Transformers that learn to copy text, on sixteen bases: another base makes more difference than
// other clients. Each base is trained anew from its own weights, which takes half a minute.
import { loadBackend } from "@fedclair/compute";
import { stream } from "@fedclair/linalg";
import { loadBuiltIn } from "@fedclair/plugins";
import { RunTally } from "@fedclair/runs";
import { createTextCopy, pretrain, pretrainSteps, syntheticCorpus } from "@fedclair/tasks/internal";
import { trialFile } from "../../scripts/shipped.js";
import { cached } from "./bank/cache.js";
import { runTrialFile } from "./federations.js";
import { countAll, withPanel } from "./judge-trials.js";

const trial = "text-copy/synthetic";
const vocabulary = 20;

/** @param {string} out the folder of finished bases @param {{ seeds?: number }} options */
export async function measure(out, { seeds: bases = 16 } = {}) {
  await loadBackend("wasm");
  const plugins = await loadBuiltIn();
  const runs = [];
  for (let seed = 1; seed <= bases; seed++) {
    const { own } = await cached(`${out}/base-${seed}.json`, "", async () => ({
      own: await measureBase(plugins, seed),
    }));
    runs.push(...own);
  }
  return runs;
}

async function measureBase(plugins, seed) {
  const base = pretrain(vocabulary, pretrainSteps, stream(seed));
  const task = plugins.tasks.get("text-copy");
  const create = (options) => createTextCopy(options, syntheticCorpus(options.concentration), base);
  const tasks = new Map(plugins.tasks).set("text-copy", { ...task, create });
  let statuses = new Map();
  const panel = withPanel(
    { ...plugins, tasks },
    "text-copy",
    "evidence",
    (all) => (statuses = all),
  );
  const baselines = ["local", "fedavg"].map(
    (name) => `{label: ${name}, aggregator: {name: ${name}}}`,
  );
  const set = [`seed=${seed}`, `baselines=[${baselines.join()}]`];
  const runs = [];
  let tally;
  for await (const { arm, record, prepared } of runTrialFile(trialFile(trial), panel, set)) {
    tally ??= new RunTally(prepared.trial);
    tally.add({ arm: arm.label, ...record });
    if (arm.label !== "clair") continue;
    for (const [judge, measures] of countAll(statuses, record.clients))
      runs.push({ seed, labels: { judge, round: String(record.round) }, measures });
  }
  const { measures } = tally.records().summary;
  const accuracies = ["clair", "local", "fedavg"].map((arm) => [arm, measures[`accuracy.${arm}`]]);
  return [
    ...runs,
    { seed, labels: { judge: "accuracy" }, measures: Object.fromEntries(accuracies) },
  ];
}
