import { availableParallelism } from "node:os";
import { tensorsOf, type TensorDelta } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { Helper } from "./helper.js";
import type { ClairOptions } from "./options.js";
import type { Part } from "./part.js";
import type { Answer, Method, Parts } from "./parts.js";
import { inThisThread, type Place } from "./place.js";

/** Of fewer numbers for each, threads are not worth their start. */
const leastShare = 1 << 15;

/** Started when first needed; they sleep in between, and do not keep the process alive. */
const helpers: Helper[] = [];

/**
 * Divides the modules among as many threads as there are cores, this one included. What is computed of each module alone goes
 * on in all threads at once; what takes all modules, the scores of whole clients, is done in this one.
 */
export const inThreads: Place = (modules, options) => {
  const most = Math.floor(sum(modules.map(size)) / leastShare);
  return amongThreads(Math.min(most, availableParallelism()), modules, options);
};

/** @param threads at most, this one included */
export function amongThreads(
  threads: number,
  modules: readonly (readonly TensorDelta[])[],
  options: ClairOptions,
): Parts {
  const count = Math.min(threads, modules.length);
  if (count <= 1) return inThisThread(modules, options);
  const shares = evenShares(modules.map(size), count);
  const places = shares.map((share, i) => {
    const own = share.flatMap((m) => modules.slice(m, m + 1));
    // The last share is this thread's: the others begin while it does its own.
    return i === count - 1 ? inThisThread(own, options) : helperAt(i).place(own, options);
  });
  const position = new Map(shares.flat().map((m, i) => [m, i]));
  return {
    async each<M extends Method>(method: M, ...args: Parameters<Part[M]>) {
      const answers = await Promise.all(places.map((parts) => parts.each(method, ...args)));
      const inShares = answers.flat(1) as Answer<M>[];
      return modules.map((_, m) => inShares[position.get(m) ?? NaN] as Answer<M>);
    },
    close() {
      for (const parts of places) parts.close();
    },
  };
}

function helperAt(i: number): Helper {
  const helper = helpers[i];
  if (helper?.isAlive === true) return helper;
  return (helpers[i] = new Helper());
}

/** How many numbers the clients sent for a module. */
function size(updates: readonly TensorDelta[]): number {
  return sum(updates.flatMap(tensorsOf).map(({ data }) => data.length));
}

/** Indices in `count` groups of about the same total, the largest first to where there is least. Each group ascends. */
function evenShares(sizes: readonly number[], count: number): number[][] {
  const shares = Array.from({ length: count }, () => ({ total: 0, members: [] as number[] }));
  const falling = [...sizes.keys()].sort((i, j) => (sizes[j] ?? 0) - (sizes[i] ?? 0));
  for (const i of falling) {
    const least = shares.reduce((x, y) => (y.total < x.total ? y : x));
    least.total += sizes[i] ?? 0;
    least.members.push(i);
  }
  return shares.map(({ members }) => members.sort((i, j) => i - j));
}
