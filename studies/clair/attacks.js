// npm run lab -- attacks SWEEP [--out FOLDER]: prints one table of a finished sweep over attacks:
// what CLAIR's rules found, their false alarms, and what the attacks cost the benign clients. The
// sweep's trials have the arms clair (rule evidence), gap, local, fedavg and median, and one of its
// attacks is `broken`.
import { join } from "node:path";
import { loadNamedPlugins } from "@fedclair/plugins";
import { assignFolders, eachLine, parseSweep, readSummary, readTrialFile } from "@fedclair/runs";
import { formatAttackTable } from "./attacks/attack-table.js";
import { parseArguments } from "../../scripts/arguments.js";

const { values, positionals } = parseArguments({
  options: { out: { type: "string" } },
  allowPositionals: true,
});
const [file, ...others] = positionals;
if (file === undefined || others.length > 0) {
  console.error("usage: npm run lab -- attacks SWEEP [--out FOLDER]");
  process.exit(2);
}
const source = await readTrialFile(file);
const parsed = parseSweep(source, await loadNamedPlugins(source));
const out = values.out ?? join("runs", parsed.name);
const sweep = assignFolders(out, parsed);
const { metrics, primary } = sweep.trials[0].measures;
const trials = [];
for (const trial of sweep.trials) trials.push(await readTrial(trial));
console.log(formatAttackTable(trials, primary, metrics[primary].better));

async function readTrial({ folder: name, at, trial }) {
  const folder = join(out, name);
  const summary = await readSummary(folder);
  if (summary === undefined || Object.keys(summary.stopped).length > 0) {
    console.error(`error: ${out} lacks trials of ${file}: run the sweep first, by fedclair sweep`);
    process.exit(2);
  }
  const rounds = new Map();
  for await (const { arm, clients } of eachLine(folder, "records.jsonl")) {
    rounds.set(arm, [...(rounds.get(arm) ?? []), clients]);
  }
  const means = summary.arms.map((arm) => [arm, summary.measures[`${primary}.${arm}`]]);
  const attack = at.get("attacks");
  return { attack, seed: trial.seed, rounds, means: Object.fromEntries(means) };
}
