// What an accuracy costs in bytes. Clients learn to read digits, and send dense changes or LoRA
// pairs, as they are or encoded. All start from one base, which was trained on digits that no
// client holds.
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { RunTally } from "@fedclair/runs";
import { trialFile } from "../../scripts/shipped.js";
import { runTrialFile } from "./federations.js";

const trial = trialFile("digits/iid-label-flip");
const models = { dense: "mlp", pairs: "lora" };
const encodings = ["none", "bf16", "int8"];

/** @param {string} _out @param {{ seeds?: number }} options */
export async function measure(_out, { seeds = 5 } = {}) {
  await loadBackend("wasm");
  const plugins = withBase(await loadBuiltIn());
  const runs = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const own = [`seed=${seed}`, `task.dataSeed=${seed}`, "baselines=[]"];
    // Steps of no length leave the base as it is.
    const still = ["aggregator={name: local}", "task.learningRate=1e-12", "rounds=1"];
    const { accuracy } = await run(plugins, [...own, ...still]);
    runs.push({ seed, labels: { changes: "none" }, measures: { accuracy, bytes: 0 } });
    for (const [changes, model] of Object.entries(models))
      for (const encoding of encodings) {
        const mods = encoding === "none" ? [] : [{ name: "encoding", dtype: encoding }];
        const set = [`task.model=${model}`, `mods=${JSON.stringify(mods)}`, "aggregator.rule=gap"];
        const measures = await run(plugins, [...own, ...set]);
        runs.push({ seed, labels: { changes, encoding }, measures });
      }
  }
  return runs;
}

async function run(plugins, set) {
  let tally;
  let label;
  for await (const { arm, record, prepared } of runTrialFile(trial, plugins, set)) {
    tally ??= new RunTally(prepared.trial);
    tally.add({ arm: arm.label, ...record });
    label = arm.label;
  }
  const { measures } = tally.records().summary;
  return { accuracy: measures[`accuracy.${label}`], bytes: measures["bytes.up"] };
}

/** Lets all clients start from the base of pairs, which learns at the usual rate. */
function withBase(plugins) {
  const task = plugins.tasks.get("digits");
  const { learningRate } = task.schema.parse({});
  const create = async (options) => {
    const { start } = await task.create({ ...options, model: "lora", learningRate });
    return { ...(await task.create(options)), start };
  };
  return { ...plugins, tasks: new Map(plugins.tasks).set("digits", { ...task, create }) };
}
