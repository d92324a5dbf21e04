/** A helper of `setThreads`: does its strip of columns of every block that is handed out. */
import { parentPort, workerData } from "node:worker_threads";
import { Packed, slots } from "./packed.js";

const { memory, share, shares } = workerData as {
  memory: WebAssembly.Memory;
  share: number;
  shares: number;
};
const packed = new Packed(memory);
const { board } = packed;
parentPort?.postMessage("ready");
for (let blocks = 0; ; blocks++) {
  Atomics.wait(board, slots.blocks, blocks);
  const [m = 0, n = 0, k = 0] = board.subarray(slots.m, slots.m + 3);
  packed.multiply(m, n, k, share, shares);
  Atomics.sub(board, slots.open, 1);
  Atomics.notify(board, slots.open);
}
