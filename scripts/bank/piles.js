// Piles of real adapters, put together from pools. A pool is a folder of adapters; names of
// contaminated ones begin with bad-. Some attackers are derived from others.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { gaussian, median, stream } from "@fedclair/linalg";
import { findAdapters } from "../../apps/cli/dist/src/adapters/find-adapters.js";
import { openAdapters } from "../../apps/cli/dist/src/adapters/open-adapters.js";
import { readPair } from "../../apps/cli/dist/src/adapters/peft.js";

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

/** Folders of pools in a folder, by name. */
export async function listPools(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort();
}

/**
 * Reads a pool and yields its piles.
 * @returns by pile: updates of adapters, contaminated ones last, whose ids begin with bad-
 */
export async function readPiles(folder) {
  const adapters = await readAdapters(folder);
  const names = [...adapters.keys()];
  const honest = names.filter((name) => !name.startsWith("bad-"));
  // Parents of sign flips and free-riders are not in the piles with attackers.
  const kept = honest.slice(0, -2);
  const bad = derive(adapters, honest);
  for (const name of names) if (name.startsWith("bad-")) bad.set(name.slice(4), adapters.get(name));
  return new Map(
    Object.entries(recipes).map(([pile, attackers]) => [
      pile,
      [
        ...(attackers.length > 0 ? kept : honest).map((name) => toUpdate(name, adapters.get(name))),
        ...attackers.map((name) => toUpdate(`bad-${name}`, bad.get(name))),
      ],
    ]),
  );
}

function toUpdate(clientId, delta) {
  if (delta === undefined) throw new Error(`the pool has no ${clientId}`);
  return { clientId, numExamples: 1, metrics: {}, delta };
}

async function readAdapters(folder) {
  const { adapters } = await findAdapters([folder]);
  const { opened, faults } = await openAdapters(adapters);
  for (const [name, fault] of faults) throw new Error(`${folder}: ${name}: ${fault}`);
  return new Map(
    [...opened].map(([name, { modules }]) => [
      name,
      new Map([...modules].map(([module, filed]) => [module, readPair(filed)])),
    ]),
  );
}

function derive(adapters, honest) {
  const parents = honest.slice(-2).map((name) => adapters.get(name));
  const sizes = honest.map((name) => normOf(adapters.get(name)));
  const usual = median(sizes);
  const derived = new Map();
  for (const [i, parent] of parents.entries()) {
    derived.set(`sign-${i + 1}`, scale(parent, -1));
    const all = honest.map((name) => adapters.get(name));
    derived.set(`freerider-${i + 1}`, addNoise(parent, all, stream("free-rider").at(i)));
  }
  for (const i of [1, 2, 3]) {
    const own = adapters.get(`bad-random-${i}`);
    derived.set(`sized-${i}`, scale(own, usual / normOf(own)));
  }
  for (const factor of [2, 5]) {
    derived.set(`boost${factor}-1`, scale(adapters.get("bad-trigger100-1"), factor));
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
