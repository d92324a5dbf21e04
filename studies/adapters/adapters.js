// npm run adapters [-- --part piles,kinds,refined,pools,compose,backdoors --base NAME --only WORD
// --folder DIR]: trains LoRA adapters with PEFT, some of them contaminated, and prints tables. The
// first three parts run `fedclair audit` on piles of a small base. The part pools trains the pools
// on which CLAIR's thresholds are calibrated, and compose writes the piles of each. The part
// backdoors trains pools whose triggers work, and reads their adapters. The command needs Python
// with PyPI and skips without it. It trains only what the folder does not have yet.
import { mkdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArguments } from "../../scripts/arguments.js";
import { writePiles } from "../clair/bank/piles.js";
import { kindsTable } from "./train-adapters/kinds.js";
import { backdoorsTable } from "./train-adapters/backdoors-table.js";
import { piles, slug, trainOptions } from "./train-adapters/piles.js";
import { pilesTables } from "./train-adapters/piles-tables.js";
import { exists, pythonIn, runScript } from "./train-adapters/python.js";
import { writePoolTexts } from "./train-adapters/pool-texts.js";
import { backdoorPools, poolOptions, pools } from "./train-adapters/pools.js";
import { poolsTable } from "./train-adapters/pools-table.js";
import { refinedTable } from "./train-adapters/refined.js";
import { writeTexts } from "./train-adapters/texts.js";

const { values } = parseArguments({
  options: {
    part: { type: "string", default: "piles,refined,kinds" },
    base: { type: "string" },
    only: { type: "string", default: "" },
    folder: { type: "string", default: "runs/adapters" },
  },
});
const parts = values.part.split(",");
const extractSmollm2 = resolve(import.meta.dirname, "../../trials/llm/smollm2.py");
const folder = resolve(values.folder);
await mkdir(folder, { recursive: true });

const python = await pythonIn(join(folder, "venv"));
if (python === undefined) {
  skip("training adapters needs Python 3 with packages from PyPI (torch, transformers, peft)");
}
if (["piles", "refined", "kinds"].some((part) => parts.includes(part))) await auditPiles();
if (parts.includes("pools")) await trainPools();
if (parts.includes("compose")) await composePools();
if (parts.includes("backdoors")) await readBackdoors();
process.exit(0);

async function auditPiles() {
  const texts = await once("texts", (to) => writeTexts(to)).catch(skipTexts);
  const base =
    values.base ??
    (await once("base", (to) => runScript(python, "base.py", ["--texts", texts, "--out", to])));
  const setup = { python, texts, base, folder };
  if (parts.includes("piles") || parts.includes("refined")) {
    const chosen = piles.filter(({ title }) => title.includes(values.only));
    for (const pile of /** @type {any[]} */ (chosen)) {
      pile.folder = await once(slug(pile), (to) =>
        runScript(python, "train.py", [
          ...["--base", base, "--texts", texts, "--out", to],
          ...trainOptions(pile),
        ]),
      );
    }
    if (parts.includes("piles")) console.log(await pilesTables(chosen));
    if (parts.includes("refined")) console.log(await refinedTable(chosen, setup));
  }
  if (parts.includes("kinds")) console.log(await kindsTable(setup));
}

async function trainPools() {
  console.log(await poolsTable(await trainAll(pools, "pools", await smollm2())));
}

async function readBackdoors() {
  const base = await smollm2();
  const trained = await trainAll(backdoorPools, "backdoors", base);
  console.log(await backdoorsTable(trained, { base, python }));
}

async function smollm2() {
  return values.base ?? (await once("smollm2", (to) => runScript(python, extractSmollm2, [to])));
}

/** @returns the pools with their folders */
async function trainAll(wanted, where, base) {
  const packages = join(folder, "packages");
  const texts = await once("pool-texts", async (to) => {
    await writePoolTexts(to).catch(skipTexts);
    await runScript(python, "pool_texts.py", ["--out", to, "--packages", packages]);
  });
  await mkdir(join(folder, where), { recursive: true });
  const trained = [];
  for (const pool of wanted.filter(({ name }) => name.includes(values.only))) {
    process.stderr.write(`pool ${pool.name}\n`);
    const done = await once(join(where, pool.name), (to) =>
      runScript(python, "train_pool.py", [
        ...["--base", base, "--texts", texts, "--out", to],
        ...poolOptions(pool),
      ]),
    );
    trained.push({ ...pool, folder: done });
  }
  return trained;
}

/** Composes the pools that have been trained. */
async function composePools() {
  await mkdir(join(folder, "pool-piles"), { recursive: true });
  for (const { name } of pools.filter(({ name }) => name.includes(values.only))) {
    const pool = join(folder, "pools", name);
    if (!(await exists(pool))) continue;
    console.log(await once(join("pool-piles", name), (to) => writePiles(pool, to)));
  }
}

function skipTexts(error) {
  skip(`the texts come from the npm registry: ${error.message}`);
}

function skip(why) {
  console.log(`skipped: ${why}.`);
  process.exit(0);
}

/** Creates a subfolder by `make`, unless it exists. @returns its path */
async function once(name, make) {
  const done = join(folder, name);
  if (await exists(done)) return done;
  const unfinished = `${done}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await make(unfinished);
  await rename(unfinished, done);
  return done;
}
