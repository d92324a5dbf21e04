// npm run lab -- refinement [--trial NAME]… [--seeds N] [--hold-back SHARE]: compares, in shipped
// trials with personal models, refined changes that every client keeps, those that it chooses on
// held-back data, and training alone. Prints the table of docs/clair-evidence.md.
import { ClientRunner, MemoryPool } from "@fedclair/core/internal";
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { prepareTrial, RunTally, runTrial } from "@fedclair/runs";
import { mean } from "@fedclair/linalg";
import { parseArguments } from "../../scripts/arguments.js";
import { trialFile } from "../../scripts/shipped.js";

const trials = [
  "linear-regression/gaussian",
  "denoising/collude-001",
  "denoising/collude-002",
  "denoising/collude-004",
  "denoising/gaussian-001",
  "denoising/gaussian-002",
  "denoising/gaussian-004",
  "denoising/sign-flip",
  "denoising/heterogeneity",
  "network/few-samples",
  "network/negated",
  "network/shuffled",
  "digits/iid-label-flip",
  "digits/dirichlet-label-flip",
  "digits/input-side",
  "text-copy/synthetic",
  "text-copy/sotu",
];

const { values } = parseArguments({
  options: {
    trial: { type: "string", multiple: true, default: trials },
    seeds: { type: "string", default: "5" },
    "hold-back": { type: "string", default: "0.2" },
  },
});
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
const plugins = await loadBuiltIn();

/** The benign clients' mean of the primary metric, by arm, and the choices. */
async function run(name, seed, holdBack) {
  const prepared = await prepareTrial(
    trialFile(name),
    [
      `seed=${seed}`,
      "baselines=[{label: local, aggregator: {name: local}}]",
      "limits.clientSeconds=600",
      "limits.answerSeconds=900",
      `holdBack=${holdBack}`,
    ],
    () => Promise.resolve(plugins),
  );
  const { trial, measures } = prepared;
  const tally = new RunTally(trial);
  const pool = new MemoryPool(new ClientRunner(prepared));
  const { signal } = new AbortController();
  await pool.ready();
  for await (const { arm, event } of runTrial(prepared, pool, signal)) {
    if (event.kind === "round") tally.add({ arm: arm.label, ...event.record });
  }
  await pool.close();
  const { measures: all } = tally.records().summary;
  const own = (arm) => all[`${measures.primary}.${arm}`];
  const choices = Object.entries(all).flatMap(([key, value]) =>
    key.startsWith("refinement.") ? [[key.slice("refinement.".length), value]] : [],
  );
  return { clair: own("clair"), local: own("local"), choices, metric: measures.primary };
}

const format = (x) => String(Number(x.toPrecision(3)));

/** The mean difference of pairs, with its standard error. */
function difference(a, b) {
  const each = a.map((x, i) => x - b[i]);
  const centre = mean(each);
  const spread = Math.sqrt(mean(each.map((x) => (x - centre) ** 2)) / Math.max(1, each.length - 1));
  return `${format(centre)} ± ${format(spread)}`;
}

await loadBackend("wasm");
console.log(
  "| trial | metric | refined | local | chosen | local, same data | chosen − local, same data | chosen |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
for (const name of values.trial) {
  const whole = [];
  const held = [];
  for (const seed of seeds) {
    whole.push(await run(name, seed, 0));
    held.push(await run(name, seed, Number(values["hold-back"])));
  }
  const counts = new Map();
  for (const [kind, count] of held.flatMap(({ choices }) => choices))
    counts.set(kind, (counts.get(kind) ?? 0) + count);
  const column = (runs, arm) => runs.map((one) => one[arm]);
  const cells = [
    name,
    whole[0].metric,
    ...["clair", "local"].map((arm) => format(mean(column(whole, arm)))),
    ...["clair", "local"].map((arm) => format(mean(column(held, arm)))),
    difference(column(held, "clair"), column(held, "local")),
    [...counts].flatMap(([kind, count]) => (count > 0 ? [`${kind} ${count}`] : [])).join(", "),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
