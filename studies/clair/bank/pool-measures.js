// The measures of the sets of a pool, in a file.
import { basename, join } from "node:path";
import { clairSchema } from "@fedclair/clair";
import { hashCode } from "../../support/hash-code.js";
import { cached, measuringCode, reviveMeasures } from "./cache.js";
import { measure } from "./measure.js";
import { readPool, toUpdates } from "./piles.js";
import { listSets } from "./sets.js";

/**
 * A set of adapters with its measures.
 * @typedef {object} MeasuredSet
 * @property {string} name
 * @property {string} kind all, clean, minority or pile
 * @property {readonly string[]} ids in the order of the measures
 * @property {readonly string[]} bad ids of contaminated adapters
 * @property {import("./cache.js").ClientMeasures} measures
 */

/**
 * Measures the sets of a pool, unless a file has them.
 * @param {string} folder of the pool
 * @param {readonly number[]} sizes numbers of clients of clean sets
 * @param {string} cache folder of the files, one for each pool
 * @returns {Promise<MeasuredSet[]>}
 */
export async function measureSets(folder, sizes, cache) {
  const name = basename(folder);
  const key = `${hashCode(measuringCode)} ${sizes.join(",")}`;
  const { sets } = await cached(join(cache, `${name}.json`), key, async () => {
    const options = clairSchema.parse({ rule: "evidence" });
    const measured = [];
    for (const { members, ...set } of listSets(name, await readPool(folder), sizes)) {
      const { measures, ids } = await measure(toUpdates(members), options);
      measured.push({ ...set, ids, bad: ids.filter((id) => id.startsWith("bad-")), measures });
    }
    return { pool: name, sets: measured };
  });
  return sets.map((set) => ({ ...set, measures: reviveMeasures(set.measures) }));
}
