// The federations that the scripts on detection judge: rounds of trials that run in this process,
// and subsets of piles of real adapters.
import { clairSchema } from "@fedclair/clair";
import { ClientRunner, MemoryPool } from "@fedclair/core/internal";
import { prepareTrial, runTrial } from "@fedclair/runs";
import { findAdapters, readPile, selectUpdates } from "@fedclair/audit";
import { trialFile } from "../../scripts/shipped.js";

/**
 * Runs a trial in this process and yields the record of every round of every arm, with the arm and
 * the prepared trial.
 * @param {string} file
 * @param {import("@fedclair/core").Plugins} plugins
 * @param {readonly string[]} set further options, as for --set
 */
export async function* runTrialFile(file, plugins, set) {
  const { signal } = new AbortController();
  const prepared = await prepareTrial(file, set, () => Promise.resolve(plugins));
  const pool = new MemoryPool(new ClientRunner(prepared));
  try {
    await pool.ready();
    for await (const { arm, event } of runTrial(prepared, pool, signal)) {
      if (event.kind === "stopped") throw new Error(`${file}: ${event.reason}`);
      if (event.kind === "round") yield { arm, record: event.record, prepared };
    }
  } finally {
    await pool.close();
  }
}

/**
 * Runs a trial without its baselines and evaluations and yields the record of every round.
 * @param {string} name the trial's file, or its name in the folder trials without its ending
 * @param set further options, as for --set
 */
export async function* runRounds(name, plugins, set) {
  const file = name.endsWith(".yaml") ? name : trialFile(name);
  const options = ["baselines=[]", "evaluate=never", ...set];
  for await (const { record } of runTrialFile(file, plugins, options)) yield record;
}

/** Returns options of CLAIR with another rule. The same rule keeps its settings. */
export function withRule(options, by) {
  return options.rule.by === by ? options : clairSchema.parse({ ...options, rule: by });
}

/** Reads the adapters of a pile as updates of benign and of contaminated clients. */
export async function loadPile(name) {
  const found = await findAdapters([`libs/audit/fixtures/adapters/${name}`]);
  const updates = selectUpdates(await readPile(found.adapters));
  const isBad = ({ clientId }) => clientId.startsWith("bad-");
  return { benign: updates.filter((update) => !isBad(update)), bad: updates.filter(isBad) };
}
