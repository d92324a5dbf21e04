// Sets of a pool's adapters as federations: disjoint clean ones for every usual number of clients,
// clean ones with a natural minority, and piles with contaminated adapters.
import { stream } from "@fedclair/linalg";
import { compose } from "./piles.js";

/** @typedef {import("./piles.js").Pool} Pool */
/** @typedef {import("./piles.js").Member} Member */

/** Numbers of clients of the sets with a minority. */
const minoritySizes = [12, 14, 17, 20];
/** Honest adapters behind the piles of a large pool; two are parents of attackers. */
const pileSizes = [14, 16];

/**
 * A set of a pool's adapters.
 * @typedef {object} AdapterSet
 * @property {string} name
 * @property {string} kind all, clean, minority or pile
 * @property {readonly Member[]} members
 */

/**
 * Lists the sets of a pool. Clean sets of one size share no adapter.
 * @param {string} name of the pool; the sets depend on it
 * @param {Pool} pool
 * @param {readonly number[]} sizes numbers of clients of clean sets
 * @returns {AdapterSet[]}
 */
export function listSets(name, pool, sizes) {
  const rng = stream("sets of a pool").at(name);
  const majority = pool.honest.filter((one) => !pool.minority.has(one.name));
  const minority = pool.honest.filter((one) => pool.minority.has(one.name));
  const shuffle = (size) => rng.at("clean", size).sample(majority, majority.length);
  const clean = sizes.flatMap((size) =>
    partition(shuffle(size), size).map((members, i) => {
      return { name: `clean-${size}-${i + 1}`, kind: "clean", members };
    }),
  );
  return [listAll(pool, majority), ...clean, ...listMinorities(), ...listPiles()];

  /** One with a single other adapter and one with a third of them, which share none. */
  function listMinorities() {
    return minoritySizes.flatMap((size) => {
      const third = Math.min(Math.round(size / 3), minority.length - 1);
      const left = shuffle(size);
      const others = rng.at("minority", size).sample(minority, minority.length);
      return [third, 1].flatMap((few) => {
        if (few < 1 || others.length < few || left.length < size - few) return [];
        // From the end, so that the first clean sets share no adapter with them.
        const members = [...left.splice(few - size), ...others.splice(0, few)];
        return [{ name: `minority-${few}-of-${size}`, kind: "minority", members }];
      });
    });
  }

  function listPiles() {
    const sizes = majority.length < pileSizes[1] ? [majority.length] : pileSizes;
    return sizes.flatMap((size) => {
      const honest =
        size === majority.length ? majority : rng.at("pile", size).sample(majority, size);
      return [...compose(pool, honest)]
        .filter(([pile]) => pile !== "clean")
        .map(([pile, members]) => ({ name: `${pile}-${size - 2}`, kind: "pile", members }));
    });
  }
}

/** All adapters together, with those that are derived from the last honest ones. */
function listAll(pool, majority) {
  const members = new Map(pool.honest.map((one) => [one.name, one]));
  for (const pile of compose(pool, majority).values())
    for (const one of pile) members.set(one.name, one);
  return { name: "all", kind: "all", members: [...members.values()] };
}

/** As many sets of a size as there are in a list, one after the other. */
function partition(members, size) {
  const count = Math.floor(members.length / size);
  return Array.from({ length: count }, (_, i) => members.slice(i * size, (i + 1) * size));
}
