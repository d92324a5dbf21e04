// npm run rules [-- --seeds N]: runs trials under CLAIR's rules gap and evidence, and prints what each finds, over all rounds and seeds.
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { argumentsOf } from "./arguments.js";
import { roundsOf } from "./federations.js";

const { values } = argumentsOf({ options: { seeds: { type: "string", default: "3" } } });
const trials = [
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

await loadBackend("wasm");
const plugins = await loadBuiltIn();
console.log("| trial | contaminated | gap: found, undecided, honest accused | evidence |");
console.log("| --- | --- | --- | --- |");
for (const name of trials) {
  const cells = [];
  let contaminated = 0;
  for (const rule of ["gap", "evidence"]) {
    const seen = { contaminated: 0, found: 0, undecided: 0, accused: 0 };
    for (let seed = 1; seed <= Number(values.seeds); seed++) await count(name, rule, seed, seen);
    cells.push(`${seen.found}, ${seen.undecided}, ${seen.accused}`);
    contaminated = seen.contaminated;
  }
  console.log(`| ${name} | ${contaminated} | ${cells.join(" | ")} |`);
}
process.exit(0);

async function count(name, rule, seed, seen) {
  const set = [`seed=${seed}`, `aggregator.rule=${rule}`];
  for await (const { clients } of roundsOf(name, plugins, set)) {
    for (const { attack, verdict } of clients) {
      if (verdict === undefined) continue;
      if (attack !== null) {
        seen.contaminated++;
        if (verdict === "contaminated") seen.found++;
        if (verdict === "undecided") seen.undecided++;
      } else if (verdict === "contaminated") seen.accused++;
    }
  }
}
