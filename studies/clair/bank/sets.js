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
 * Lists the sets of a pool. Of clean sets with one number of clients no two share an adapter.
 * @param {string} name of the pool; the sets depend on it
 * @param {Pool} pool
 * @param {readonly number[]} sizes numbers of clients of clean sets
 * @returns {AdapterSet[]}
 */
export function listSets(name, pool, sizes) {
  const rng = stream("sets of a pool").at(name);
  const majority = pool.honest.filter((one) => !pool.minority.has(one.name));
  const minority = pool.honest.filter((one) => pool.minority.has(one.name));
  const clean = sizes.flatMap((size) =>
    partition(majority, size, rng.at("clean", size)).map((members, i) => {
      return { name: `clean-${size}-${i + 1}`, kind: "clean", members };
    }),
  );
  return [listAll(pool, majority), ...clean, ...listMinorities(), ...listPiles()];

  function listMinorities() {
    if (minority.length === 0) return [];
    return minoritySizes.flatMap((size) =>
      [1, Math.round(size / 3)].flatMap((few) => {
        if (few > minority.length || size - few > majority.length) return [];
        const own = rng.at("minority", size, few);
        const members = [
          ...own.at("majority").sample(majority, size - few),
          ...own.at("others").sample(minority, few),
        ];
        return [{ name: `minority-${few}-of-${size}`, kind: "minority", members }];
      }),
    );
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

/** As many disjoint sets as there are. */
function partition(members, size, rng) {
  const shuffled = rng.sample(members, members.length);
  const count = Math.floor(members.length / size);
  return Array.from({ length: count }, (_, i) => shuffled.slice(i * size, (i + 1) * size));
}
