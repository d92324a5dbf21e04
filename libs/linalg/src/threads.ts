import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Packed, slots, untilChanged, type Turn } from "./packed.js";

/** Handing out a block of fewer multiplications takes longer than it saves. */
const leastShared = 2 ** 21;

/** The memory in which large products are computed, and the threads that help. */
let team: { readonly packed: Packed; readonly helpers: readonly Worker[] } = {
  packed: new Packed(),
  helpers: [],
};

/**
 * Sets how many threads work on a large product, the caller's included; at first it is one. The result is the same to the
 * bit for any number. The helpers sleep between products and do not keep the process alive.
 * @param count at least 1; more threads than free cores are slower
 * @throws RangeError if it is not a positive integer
 */
export async function setThreads(count: number): Promise<void> {
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`setThreads: expected a positive number of threads, got ${count}`);
  }
  const packed = new Packed();
  const helpers = Array.from(
    { length: count - 1 },
    () => new Worker(new URL("./thread.js", import.meta.url), { workerData: packed.memory }),
  );
  await Promise.all(helpers.map((helper) => once(helper, "message")));
  for (const helper of helpers) helper.unref();
  const former = team.helpers;
  team = { packed, helpers };
  await Promise.all(former.map((helper) => helper.terminate()));
}

export function packedBlocks(): Packed {
  return team.packed;
}

/**
 * Hands out product ← product + left·right of packed operands, m×n with sums of k terms; helpers begin at once.
 * @param turn which operands
 * @returns a function that does what is left and waits for the helpers; call it before the next block is handed out
 */
export function handOut(turn: Turn, m: number, n: number, k: number): () => void {
  const { packed, helpers } = team;
  if (m * n * k < leastShared || helpers.length === 0) {
    return () => {
      packed.multiply(turn, m, n, k);
    };
  }
  const { board } = packed;
  board.set([turn, m, n, k], slots.turn);
  Atomics.store(board, slots.strip, 0);
  Atomics.store(board, slots.busy, helpers.length);
  Atomics.add(board, slots.blocks, 1);
  Atomics.notify(board, slots.blocks);
  return () => {
    packed.multiplyStrips();
    for (let busy = helpers.length; busy > 0; busy = Atomics.load(board, slots.busy)) {
      untilChanged(board, slots.busy, busy);
    }
  };
}
