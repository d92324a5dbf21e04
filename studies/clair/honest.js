// npm run lab -- honest SWEEP [--out FOLDER]: prints one table of a finished sweep over aggregators
// and attacks, one of which is none: how often honest clients are left out, and what that costs.
import { join } from "node:path";
import { loadNamedPlugins } from "@fedclair/plugins";
import { assignFolders, eachRecord, parseSweep, readSummary, readTrialFile } from "@fedclair/runs";
import { parseArguments } from "../../scripts/arguments.js";
import { countExclusions, formatHonestTable } from "./honest/honest-table.js";

const { values, positionals } = parseArguments({
  options: { out: { type: "string" } },
  allowPositionals: true,
});
const [file, ...others] = positionals;
if (file === undefined || others.length > 0) {
  console.error("usage: npm run lab -- honest SWEEP [--out FOLDER]");
  process.exit(2);
}
const source = await readTrialFile(file);
const parsed = parseSweep(source, await loadNamedPlugins(source));
const out = values.out ?? join("runs", parsed.name);
const trials = [];
for (const { folder: name, at, trial } of assignFolders(out, parsed).trials) {
  const folder = join(out, name);
  const summary = readSummary(folder);
  if (summary === undefined) {
    console.error(`error: ${out} lacks trials of ${file}: run the sweep first, by fedclair sweep`);
    process.exit(2);
  }
  const rounds = [];
  for await (const { clients } of eachRecord(folder)) rounds.push(clients);
  const [rule, attack] = [at.get("aggregator"), at.get("attacks")];
  const [{ measure }] = parsed.measures;
  const mean = summary.measures[`${measure}.${trial.aggregator.name}`];
  trials.push({ rule, attack, seed: trial.seed, counts: countExclusions(rounds), mean });
}
console.log(formatHonestTable(trials));
