// npm run rules [-- --seeds N] [TRIALS]: runs trials with CLAIR's rules gap and evidence and prints
// what each rule flags, over all rounds and seeds.
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { parseArguments } from "../../scripts/arguments.js";
import { runRounds } from "./federations.js";

const { values, positionals } = parseArguments({
  options: { seeds: { type: "string", default: "3" } },
  allowPositionals: true,
});
const all = [
  "linear-regression/gaussian",
  "denoising/collude-002",
  "denoising/gaussian-001",
  "denoising/sign-flip",
  "network/shuffled",
  "network/negated",
  "network/few-samples",
  "copy-average/other-teacher",
  "copy-average/noise",
  "digits/iid-label-flip",
  "digits/dirichlet-label-flip",
  "text-copy/synthetic",
];
const trials = positionals.length > 0 ? positionals : all;

await loadBackend("wasm");
const plugins = await loadBuiltIn();
console.log("| trial | contaminated | gap: flagged, undecided, false alarms | evidence |");
console.log("| --- | --- | --- | --- |");
for (const name of trials) {
  const cells = [];
  let contaminated = 0;
  for (const rule of ["gap", "evidence"]) {
    const counts = { contaminated: 0, flagged: 0, undecided: 0, falseAlarms: 0 };
    for (let seed = 1; seed <= Number(values.seeds); seed++) await count(name, rule, seed, counts);
    cells.push(`${counts.flagged}, ${counts.undecided}, ${counts.falseAlarms}`);
    contaminated = counts.contaminated;
  }
  console.log(`| ${name} | ${contaminated} | ${cells.join(" | ")} |`);
}
process.exit(0);

async function count(name, rule, seed, counts) {
  // A trial's own rule gap keeps its settings.
  const own = rule === "gap" ? "aggregator.rule.by=gap" : `aggregator.rule=${rule}`;
  const set = [`seed=${seed}`, own];
  for await (const { clients } of runRounds(name, plugins, set)) {
    for (const { attack, verdict } of clients) {
      if (verdict === undefined) continue;
      if (attack !== null) {
        counts.contaminated++;
        if (verdict === "contaminated") counts.flagged++;
        if (verdict === "undecided") counts.undecided++;
      } else if (verdict === "contaminated") counts.falseAlarms++;
    }
  }
}
