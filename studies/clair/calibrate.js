// npm run calibrate [-- --pools FOLDER --texts FOLDER --measures FOLDER --seeds N --without NAME
// --out FILE --write --judge]: makes the bank of thresholds that CLAIR's rule `evidence` uses. It
// measures federations without a contaminated client: trials, texts of many kinds over several
// rounds, tables of real institutions and pools of real adapters. The measures are kept in files,
// so a bank is made again in seconds.
//
// --without leaves out the sources whose names contain NAME, and may be there several times. --out
// writes the bank to a file, and --write replaces the bank that is shipped. --judge judges every
// table and every pool by a bank that was made without it, and all kinds by the shipped bank, and
// prints the results.
//
// Without pools, which take hours to train, the usual deviations and the rows of pairs without a
// space are those of the shipped bank; without texts, the rows of pairs over rounds. --write needs
// the tables.
import { writeFile } from "node:fs/promises";
import { makeBank, readShippedBank } from "@fedclair/clair";
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { parseArguments } from "../../scripts/arguments.js";
import { formatAs } from "../../scripts/format.js";
import { judgeKinds } from "./bank/judge-kinds.js";
import { judgeNatural } from "./bank/judge-natural.js";
import { judgePools } from "./bank/judge-pools.js";
import { listNatural } from "./bank/natural.js";
import { listSources, toBankSources } from "./bank/sources.js";

const { values } = parseArguments({
  options: {
    pools: { type: "string", default: "runs/adapters/pools" },
    texts: { type: "string", default: "runs/adapters/pool-texts" },
    measures: { type: "string", default: "runs/measures" },
    seeds: { type: "string", default: "4" },
    without: { type: "string", multiple: true, default: [] },
    out: { type: "string" },
    write: { type: "boolean", default: false },
    judge: { type: "boolean", default: false },
  },
});

const hasTables = listNatural().length > 0;
if (values.write && !hasTables) {
  console.error(
    "error: --write: the tables of public data are missing, and the shipped bank has rows of them; " +
      "fetch them with npm run lab -- federations, or write another file with --out FILE",
  );
  process.exit(2);
}
await loadBackend("wasm");
const options = {
  pools: values.pools,
  cache: values.measures,
  seeds: Number(values.seeds),
  plugins: await loadBuiltIn(),
};
const listed = await listSources(values.pools, values.texts);
for (const word of values.without) {
  if (listed.some(({ name }) => name.includes(word))) continue;
  const names = listed.map(({ name }) => `'${name}'`).join(", ");
  console.error(
    `error: --without ${word}: no source has it in its name; expected a part of one of ${names}`,
  );
  process.exit(2);
}
const isUsed = ({ name }) => !values.without.some((word) => name.includes(word));
/** @type {import("./bank/sources.js").Source[]} */
const sources = [];
for (const { name, read } of listed.filter(isUsed)) {
  const begin = Date.now();
  sources.push(await read(name, options));
  console.error(`${name}: ${((Date.now() - begin) / 1000).toFixed(1)} s`);
}
if (!hasTables) console.error("skipped: the tables of npm run lab -- federations");

const bank = await makeOwnBank();
const text = await formatAs("bank.json", JSON.stringify(bank));
if (values.out !== undefined) await writeFile(values.out, text);
if (values.write) await writeFile("libs/clair/bank.json", text);
if (values.out === undefined && !values.write) console.log(text);
if (values.judge) {
  const { spreads } = bank;
  console.log(judgeKinds(sources, readShippedBank()));
  if (sources.some(({ models }) => models)) console.log(await judgeNatural(sources, { spreads }));
  if (sources.some(({ sets }) => sets)) console.log(await judgePools(sources));
}
process.exit(0); // linear algebra and CLAIR leave threads behind

async function makeOwnBank() {
  const count = (part) => sources.filter((source) => source[part]).length;
  const [pools, tables] = [count("sets"), count("models")];
  const texts = sources.filter(({ name }) => name.startsWith("texts, ")).length;
  const shipped = readShippedBank();
  const name = [
    `${pools || Number.parseInt(shipped.name, 10)} pools of LoRA adapters of SmolLM2-135M`,
    `${sources.length - pools - tables - texts} kinds of trials`,
    `${texts || Number(/(\d+) kinds of texts/.exec(shipped.name)?.[1])} kinds of texts and ${tables} tables`,
    ...(values.without.length > 0 ? [`without ${values.without.join(" and ")}`] : []),
  ].join(", ");
  const [once, more] = toBankSources(sources);
  const own = await makeBank(
    once,
    { name, ...(pools === 0 && { spreads: shipped.spreads }) },
    more,
  );
  const keep = (rows, theirs, isKept) => [
    ...rows.filter((row) => !isKept(row)),
    ...theirs.filter(isKept),
  ];
  const needsPools = (row) => pools === 0 && row.pairs;
  const needsTexts = (row) => texts === 0 && row.pairs;
  return {
    ...own,
    thresholds: keep(own.thresholds, shipped.thresholds, needsPools),
    overRounds: keep(own.overRounds, shipped.overRounds, needsTexts),
    apartOverRounds: keep(own.apartOverRounds, shipped.apartOverRounds, needsTexts),
  };
}
