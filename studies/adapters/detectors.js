// npm run lab -- detectors [--pools FOLDER … --only WORD --piles clean,all]: composes pools of
// adapters to piles and judges each pile by `fedclair audit` and by other detectors. These need
// Python with PyPI and are skipped without it. The script prints Markdown tables for each folder of
// pools. Every detector knows the pile itself and the clean piles of all other pools. A second row
// of fedclair has the shipped bank, for pools that it was not made from.
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { makeBank } from "@fedclair/clair";
import { mean } from "@fedclair/linalg";
import { atATime } from "@fedclair/runs";
import { parseArguments } from "../../scripts/arguments.js";
import { measureClean } from "../clair/bank/measure.js";
import { listPools, writePiles } from "../clair/bank/piles.js";
import { audit } from "./detectors/fedclair.js";
import { installPython, pythonDetectors, scorePiles } from "./detectors/python.js";
import { attacksTable, detectorsTable } from "./detectors/table.js";
import { makeThresholds, toStatus } from "./detectors/thresholds.js";
import { pools as shippedPools } from "./train-adapters/pools.js";

const { values } = parseArguments({
  options: {
    pools: { type: "string", multiple: true, default: ["runs/adapters/pools"] },
    only: { type: "string", default: "" },
    piles: { type: "string" },
  },
});

/** Clean piles have fourteen adapters, and piles with attackers have thirteen or more. */
const bankOptions = { name: "the other pools", sizes: [12, 14], draws: 40 };

/** The pile that seconds and memory are measured on: the largest. */
const costPile = "all";

/** The piles to judge; undefined: all. Thresholds come from the clean ones. */
const wanted = values.piles?.split(",");
if (wanted && !["clean", costPile].every((name) => wanted.includes(name))) {
  console.error(`error: --piles ${values.piles}: expected clean and ${costPile} among them`);
  process.exit(2);
}

/** Pools that the shipped bank was made from. */
const inShippedBank = new Set(shippedPools.map(({ name }) => name));

const pools = await listAllPools();
if (pools.length < 2) {
  const where = values.pools.join(", ");
  console.error(
    `error: --pools ${where}: expected two pools or more, got ${pools.length}; npm run adapters -- --part pools trains them`,
  );
  process.exit(2);
}
const python = await installPython();
for (const pool of pools) pool.clean = await measureClean(pool.path);
for (const pool of pools) {
  console.error(`judging the piles of ${pool.name}`);
  pool.detectors = await judgePool(pool);
}
for (const folder of values.pools) {
  const detectors = collect(pools.filter((pool) => pool.folder === folder));
  console.log(`${folder}:\n`);
  console.log(`${detectorsTable(detectors)}\n\n${attacksTable(detectors)}\n`);
}
process.exit(0); // linear algebra and CLAIR leave threads behind

async function listAllPools() {
  const all = [];
  for (const folder of values.pools) {
    const names = existsSync(folder) ? await listPools(folder) : [];
    for (const name of names.filter((one) => one.includes(values.only))) {
      all.push({ folder, name, path: join(folder, name) });
    }
  }
  return all;
}

/** Judges the piles of a pool by all detectors. @returns by title: verdicts or scores, and cost */
async function judgePool(pool) {
  const folder = await mkdtemp(join(tmpdir(), "fedclair-detectors-"));
  try {
    await writePiles(pool.path, join(folder, "piles"));
    const names = await readdir(join(folder, "piles"));
    const piles = names
      .filter((name) => wanted?.includes(name) ?? true)
      .map((name) => join(folder, "piles", name));
    const detectors = new Map();
    const others = pools.filter((other) => other !== pool);
    const sources = new Map(others.map(({ path, clean }) => [path, [clean]]));
    const bank = join(folder, "bank.json");
    await writeFile(bank, JSON.stringify(await makeBank(sources, bankOptions)));
    detectors.set("`fedclair audit`, bank of the other pools", await auditPiles(piles, bank));
    if (!inShippedBank.has(pool.name)) {
      detectors.set("`fedclair audit`, shipped bank", await auditPiles(piles));
    }
    if (python !== undefined) await scoreInto(detectors, piles);
    return detectors;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function scoreInto(detectors, piles) {
  const all = await scorePiles(python, Object.keys(pythonDetectors), piles);
  for (const [name, { title, thresholds }] of Object.entries(pythonDetectors)) {
    const scored = all.detectors[name];
    const { seconds, megabytes } = await scorePiles(python, [name], [piles.find(isCostPile)]);
    detectors.set(title, { thresholds, scored, seconds, megabytes });
  }
}

function isCostPile(pile) {
  return basename(pile) === costPile;
}

async function auditPiles(folders, bank) {
  const tasks = folders.map((folder) => () => audit(folder, bank));
  const audits = await Promise.all(atATime(tasks, availableParallelism()));
  const { seconds, megabytes } = audits[folders.findIndex(isCostPile)];
  const piles = audits.map(({ adapters }, i) => {
    return { name: basename(folders[i]), adapters: adapters.map(withTruth) };
  });
  return { piles, seconds, megabytes };
}

function withTruth(adapter) {
  return { ...adapter, isContaminated: adapter.name.startsWith("bad-") };
}

/** The results of some pools, by detector, as the tables need them. */
function collect(some) {
  const titles = new Set(some.flatMap(({ detectors }) => [...detectors.keys()]));
  return [...titles].map((title) => {
    const own = some.filter(({ detectors }) => detectors.has(title));
    const found = own.map(({ detectors }) => detectors.get(title));
    return {
      title,
      result: own.map((pool) => judged(pool, title)),
      seconds: mean(found.map(({ seconds }) => seconds)),
      megabytes: Math.max(...found.map(({ megabytes }) => megabytes ?? NaN)),
    };
  });
}

/** Verdicts on a pool's piles; where a detector has only scores, by thresholds of the others. */
function judged(pool, title) {
  const { piles, scored, thresholds } = pool.detectors.get(title);
  if (piles !== undefined) return piles;
  const others = pools.filter((other) => other !== pool);
  const largest = others.map(({ detectors }) => {
    return detectors.get(title).scored.find(({ pile }) => pile === "clean").largest;
  });
  const limits = thresholds ?? makeThresholds(largest);
  return scored.map(({ pile, scores }) => {
    const adapters = Object.entries(scores).map(([name, score]) =>
      withTruth({ name, score, status: toStatus(score, limits) }),
    );
    return { name: pile, adapters };
  });
}
