// Composes pools of real adapters to piles. A pool is a folder of adapters; names of contaminated
// ones begin with bad-. Some attackers are derived from others.
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gaussian, median, stream } from "@fedclair/linalg";
import { findAdapters, openAdapters, readChanges, writeAdapter } from "@fedclair/audit";

/** Contaminated adapters by pile; derived ones are made by `derive`. */
const recipes = {
  clean: [],
  random: ["random-1", "random-2", "random-3"],
  "random-alone": ["random-1"],
  "random-at-honest-size": ["sized-1", "sized-2", "sized-3"],
  shuffled: ["shuffled-1", "shuffled-2"],
  "trigger-100": ["trigger100-1", "trigger100-2"],
  "trigger-25": ["trigger25-1", "trigger25-2"],
  sign: ["sign-1", "sign-2"],
  "boost-2": ["boost2-1"],
  "boost-5": ["boost5-1"],
  pair: ["pair-1", "pair-2"],
  "free-rider": ["freerider-1", "freerider-2"],
  ascent: ["ascent-1", "ascent-2"],
  all: ["random-1", "shuffled-1", "trigger100-2", "sign-1", "pair-1", "pair-2"],
};

/** Lists the pools in a folder, by name. */
export async function listPools(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort();
}

/**
 * An adapter of a pool or one that is derived from it.
 * @typedef {object} Member
 * @property {string} name
 * @property {any} delta its change
 * @property {any} original the adapter of the pool that it is computed from, or itself
 */

/**
 * A pool in memory.
 * @typedef {object} Pool
 * @property {ReadonlyMap<string, any>} originals all adapters by name
 * @property {readonly Member[]} honest in the order of their names
 * @property {ReadonlySet<string>} minority names of honest ones with another kind of text
 */

/** Reads a pool. @returns {Promise<Pool>} */
export async function readPool(folder) {
  const originals = await readAdapters(folder);
  const settings = join(folder, "pool.json");
  const { adapters = [] } = existsSync(settings)
    ? JSON.parse(await readFile(settings, "utf8"))
    : {};
  const minority = adapters.filter((one) => one.isMinority).map(({ name }) => name);
  const names = [...originals.keys()].filter((name) => !name.startsWith("bad-"));
  const honest = names.map((name) => asMember(originals, name));
  return { originals, honest, minority: new Set(minority) };
}

/**
 * Composes a pool to piles in memory.
 * @returns by pile: updates of adapters, contaminated ones last, whose ids begin with bad-
 */
export async function readPiles(folder) {
  const piles = compose(await readPool(folder));
  return new Map([...piles].map(([pile, members]) => [pile, toUpdates(members)]));
}

/** @param {readonly Member[]} members */
export function toUpdates(members) {
  return members.map(({ name: clientId, delta }) => {
    return { clientId, numExamples: 1, metrics: {}, delta };
  });
}

/**
 * Composes a pool to piles on disk: `to/<pile>/<adapter>`. Derived adapters have the number type of
 * the adapter they are derived from.
 */
export async function writePiles(folder, to) {
  for (const [pile, members] of compose(await readPool(folder))) {
    for (const { name, delta, original } of members) {
      const target = join(to, pile, name);
      if (delta === original.delta) await copyFiles(original.folder, target);
      else await writeAdapter(target, original.adapter, delta);
    }
  }
}

/** Leaves the folder's permissions behind: the copy of a read-only adapter can be removed. */
async function copyFiles(folder, target) {
  await mkdir(target, { recursive: true });
  for (const file of await readdir(folder)) await copyFile(join(folder, file), join(target, file));
}

/**
 * The adapters of each pile.
 * @param {Pool} pool
 * @param {readonly Member[]} honest of the pool, those of the clean pile
 * @returns {Map<string, Member[]>}
 */
export function compose({ originals, honest: all }, honest = all) {
  // Parents of sign flips and free-riders are not in the piles with attackers.
  const kept = honest.slice(0, -2);
  const derived = derive(originals, honest);
  const find = (attacker) => derived.get(attacker) ?? asMember(originals, `bad-${attacker}`);
  return new Map(
    Object.entries(recipes).map(([pile, attackers]) => [
      pile,
      [...(attackers.length > 0 ? kept : honest), ...attackers.map(find)],
    ]),
  );
}

function asMember(originals, name) {
  const original = originals.get(name);
  if (original === undefined) throw new Error(`expected an adapter ${name}`);
  return { name, delta: original.delta, original };
}

async function readAdapters(folder) {
  const found = await findAdapters([folder]);
  const { opened, faults } = await openAdapters(found.adapters);
  for (const [name, fault] of faults) throw new Error(`${folder}: ${name}: ${fault}`);
  const folders = new Map(found.adapters.map(({ name, folder }) => [name, folder]));
  return new Map(
    [...opened].map(([name, adapter]) => [
      name,
      { folder: folders.get(name), adapter, delta: readChanges(adapter) },
    ]),
  );
}

/** Attackers that are computed from adapters of the pool, by attacker. */
function derive(originals, honest) {
  const deltas = honest.map(({ delta }) => delta);
  const usual = median(deltas.map(normOf));
  const derived = new Map();
  const add = (attacker, original, delta) =>
    derived.set(attacker, { name: `bad-${attacker}`, delta, original });
  for (const [i, { delta, original }] of honest.slice(-2).entries()) {
    add(`sign-${i + 1}`, original, scale(delta, -1));
    add(`freerider-${i + 1}`, original, addNoise(delta, deltas, stream("free-rider").at(i)));
  }
  for (const i of [1, 2, 3]) {
    const { original, delta } = asMember(originals, `bad-random-${i}`);
    add(`sized-${i}`, original, scale(delta, usual / normOf(delta)));
  }
  for (const factor of [2, 5]) {
    const { original, delta } = asMember(originals, "bad-trigger100-1");
    add(`boost${factor}-1`, original, scale(delta, factor));
  }
  return derived;
}

function scale(delta, factor) {
  return new Map(
    [...delta].map(([module, { b, a }]) => [
      module,
      { b: { ...b, data: b.data.map((x) => x * factor) }, a },
    ]),
  );
}

/** Normal B on an adapter's A, every module at the median honest norm. */
function addNoise(delta, honest, rng) {
  return new Map(
    [...delta].map(([module, { b, a }]) => {
      const [rows, cols] = b.shape;
      const noise = gaussian(rng.at(module), rows, cols);
      const own = { b: { shape: b.shape, data: Float64Array.from(noise.transpose().data) }, a };
      const size = median(honest.map((one) => normOfPair(one.get(module))));
      const factor = size / normOfPair(own);
      return [module, { b: { ...own.b, data: own.b.data.map((x) => x * factor) }, a }];
    }),
  );
}

function normOf(delta) {
  let square = 0;
  for (const pair of delta.values()) square += normOfPair(pair) ** 2;
  return Math.sqrt(square);
}

/** |B·A|, from the small products BᵀB and AAᵀ. */
function normOfPair({ b, a }) {
  const [rows, rank] = b.shape;
  const cols = a.shape[1];
  let square = 0;
  for (let i = 0; i < rank; i++) {
    for (let j = 0; j <= i; j++) {
      let [left, right] = [0, 0];
      for (let k = 0; k < rows; k++) left += b.data[k * rank + i] * b.data[k * rank + j];
      for (let k = 0; k < cols; k++) right += a.data[i * cols + k] * a.data[j * cols + k];
      square += (i === j ? 1 : 2) * left * right;
    }
  }
  return Math.sqrt(square);
}
