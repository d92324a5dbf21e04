/** A helper of `setThreads`: takes strips of every block that is handed out. */
import { parentPort, workerData } from "node:worker_threads";
import { Packed, slots, untilChanged } from "./packed.js";

const packed = new Packed(workerData as WebAssembly.Memory);
const { board } = packed;
parentPort?.postMessage("ready");
for (let blocks = 0; ; blocks++) {
  untilChanged(board, slots.blocks, blocks);
  packed.multiplyStrips();
  Atomics.sub(board, slots.busy, 1);
  Atomics.notify(board, slots.busy);
}
