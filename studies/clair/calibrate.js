// npm run calibrate [-- --pools FOLDER --seeds N --write]: measures federations without a
// contaminated client, trials, tables of real institutions and pools of real adapters, and makes
// the bank of thresholds that CLAIR's rule `evidence` uses; scores over rounds have rows of their
// own, from the trials. How far dense changes are apart is measured on the dense trials, and on
// regressions and small networks of the tables. With --write it replaces the bank that is shipped.
// Then it judges every table, and every pile of every pool, with a bank made without it, and prints
// the results. Without pools, which take hours to train, the usual deviations and the rows of
// federations without a space stay as they are.
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clairSchema, makeBank, readShippedBank } from "@fedclair/clair";
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { format } from "prettier";
import { parse } from "yaml";
import { parseArguments } from "../../scripts/arguments.js";
import { measure, measurePool, measureRounds } from "./bank/measure.js";
import { fileOf, listNatural, naturalTrial, settingsOf } from "./bank/natural.js";
import { networkSizes, trainNetworks } from "./bank/networks.js";
import { listPools } from "./bank/piles.js";
import { judgeNatural } from "./bank/judge-natural.js";
import { judgePools } from "./bank/judge-pools.js";
import { trialFile } from "../../scripts/shipped.js";

const { values } = parseArguments({
  options: {
    pools: { type: "string", default: "runs/adapters/pools" },
    seeds: { type: "string", default: "5" },
    write: { type: "boolean", default: false },
  },
});
const seeds = Number(values.seeds);

/** Trials without their attacks, and how many clients they have here. */
const trials = {
  "linear-regression/gaussian": [20, 100],
  "denoising/collude-002": [20, 100],
  "denoising/sign-flip": [20, 100],
  "network/shuffled": [12, 50],
  "network/few-samples": [12, 50],
  "copy-average/other-teacher": [20],
  "copy-average/noise": [20],
  "digits/iid-label-flip": [20],
  "digits/dirichlet-label-flip": [20],
  "text-copy/synthetic": [10, 30],
};

/** For scores over rounds the trials take this many rounds, most of them more than their own. */
const manyRounds = 6;
/** Number of clients of a table; of more, the measures would take minutes. */
const mostNatural = 150;
/** The same over rounds. */
const mostOverRounds = 40;
/** A trial in which a client takes part in one round of five. */
const sampled = "digits/sampled";

await loadBackend("wasm");
const plugins = await loadBuiltIn();
const sources = new Map();
const runs = new Map();
const dense = new Map();
const denseRuns = new Map();
for (const [name, counts] of Object.entries(trials)) {
  const ownRounds = parse(readFileSync(trialFile(name), "utf8")).rounds;
  for (const clients of counts) {
    const source = `${name} with ${clients} clients`;
    const set = [`clients=${clients}`, `rounds=${Math.max(ownRounds, manyRounds)}`];
    const all = await measureRuns(name, Math.max(1, Math.ceil(seeds / counts.length)), set);
    const own = all.flatMap((rounds) => rounds.slice(0, ownRounds).map(({ measures }) => measures));
    sources.set(source, own);
    runs.set(source, all);
    if (!own[0].isDense) continue;
    dense.set(source, own);
    denseRuns.set(source, all);
  }
}
runs.set(sampled, await measureRuns(sampled, seeds, []));
const natural = listNatural();
if (natural.length === 0) console.error("skipped: the tables of npm run lab -- federations");
for (const table of natural) {
  const set = settingsOf(table, Math.min(table.clients, mostNatural));
  const [rounds] = await measureRuns(naturalTrial, 1, set);
  const own = rounds.map(({ measures }) => measures);
  sources.set(table.name, own);
  dense.set(table.name, own);
  for (const hidden of networkSizes) {
    const source = networkOf(table.name, hidden);
    const [updates] = trainNetworks(fileOf(table), table, { hidden, clients: mostNatural });
    dense.set(source, [(await measureDense(updates)).measures]);
    const some = { hidden, clients: mostOverRounds, rounds: manyRounds };
    const later = [];
    for (const one of trainNetworks(fileOf(table), table, some))
      later.push(await measureDense(one));
    denseRuns.set(source, [later]);
    console.error(`measured ${source}`);
  }
}
const shippedBank = readShippedBank();
const pools = new Map();
if (existsSync(values.pools)) {
  for (const name of await listPools(values.pools)) {
    pools.set(name, await measurePool(join(values.pools, name)));
    console.error(`measured pool ${name}`);
  }
}
for (const [name, piles] of pools) sources.set(name, [piles.get("clean").measures]);

const bank = await makeOwnBank();
console.log(JSON.stringify(bank, null, 1));
if (values.write) await writeBank(bank);
if (natural.length > 1) {
  const spreads = pools.size > 0 ? undefined : shippedBank.spreads;
  const modelsOf = (/** @type {string} */ name) => [
    /** @type {const} */ (["linear regression", name]),
    ...networkSizes.map(
      (hidden) => /** @type {const} */ ([`${hidden} hidden units`, networkOf(name, hidden)]),
    ),
  ];
  const options = { name: "the others", spreads };
  console.log(await judgeNatural(natural, { sources, dense }, modelsOf, options));
}
if (pools.size > 1) console.log(await judgePools(pools, sources));
process.exit(0); // linear algebra and CLAIR leave threads behind

async function makeOwnBank() {
  const count = pools.size || Number.parseInt(shippedBank.name, 10);
  const name = `${count} pools of LoRA adapters of SmolLM2-135M, ${Object.keys(trials).length} trials and ${natural.length} tables`;
  const more = { runs, dense, denseRuns };
  if (pools.size > 0) return makeBank(sources, { name }, more);
  const { spreads, thresholds } = shippedBank;
  const own = await makeBank(sources, { name, spreads }, more);
  const needsPools = (/** @type {{ hasSpace: boolean, fewNumbers?: boolean }} */ row) =>
    !row.hasSpace && !row.fewNumbers;
  const rows = own.thresholds.filter((row) => !needsPools(row));
  return { ...own, thresholds: [...rows, ...thresholds.filter(needsPools)] };
}

/** The measures of dense changes. */
function measureDense(updates) {
  return measure(updates, clairSchema.parse({ models: "global" }));
}

/** The source of a network on a table. */
function networkOf(table, hidden) {
  return `${table} with ${hidden} hidden units`;
}

/** Measures runs of a trial without its attacks, one per seed. */
async function measureRuns(name, count, set) {
  const all = [];
  for (let seed = 1001; seed < 1001 + count; seed++) {
    const rounds = [];
    for await (const round of measureRounds(name, plugins, [`seed=${seed}`, "attacks=[]", ...set]))
      rounds.push(round);
    all.push(rounds);
  }
  console.error(`measured ${[name, ...set].join(" ")}`);
  return all;
}

async function writeBank(bank) {
  await writeFile(
    "libs/clair/bank.json",
    await format(JSON.stringify(bank), { parser: "json", printWidth: 100 }),
  );
}
