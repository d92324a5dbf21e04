import { Worker } from "node:worker_threads";
import { UserError } from "@fedclair/core";
import { errorMessage } from "@fedclair/core/internal";
import { mostGigabytes, type ReaderReply } from "./reader-process.js";
import { mostSeconds } from "./reading-time.js";

/*
 * Ends this process if it takes too much memory, if it still decodes some time after its limit, or
 * if its parent is gone. A thread looks, because a decoder may block the main thread for ever.
 */
const watch = `
  const { workerData: { bytes, ms, busy } } = require("node:worker_threads");
  const parent = process.ppid;
  const turns = new Int32Array(busy);
  let [seen, since] = [0, Date.now()];
  setInterval(() => {
    const turn = Atomics.load(turns, 0);
    if (turn !== seen || turn % 2 === 0) [seen, since] = [turn, Date.now()];
    const isOver = process.memoryUsage.rss() > bytes || Date.now() - since > ms;
    if (isOver || process.ppid !== parent) process.kill(process.pid, "SIGKILL");
  }, 50);
`;

/** The parent ends a late process itself, unless it is gone. */
const graceMs = 5000;

/** The side of a `ReaderProcess` that runs in it: answers requests until the parent is gone. */
export function serveReader<Request extends { readonly path: string }, Reply>(
  answer: (request: Request) => Promise<Reply>,
  explain: (request: Request, error: unknown) => string,
): void {
  const busy = new SharedArrayBuffer(4);
  const turns = new Int32Array(busy);
  const bytes = 2 ** 30 * mostGigabytes;
  const workerData = { busy, bytes, ms: 1000 * mostSeconds + graceMs };
  new Worker(watch, { eval: true, workerData }).unref();
  process.on("disconnect", () => process.exit());
  process.on("message", (request: Request) => {
    Atomics.add(turns, 0, 1); // odd while it is busy
    void answer(request)
      .then((reply): ReaderReply<Reply> => ({ reply }))
      .catch((error: unknown): ReaderReply<Reply> => ({
        fault: error instanceof UserError ? errorMessage(error) : explain(request, error),
      }))
      .then((reply) => {
        Atomics.add(turns, 0, 1);
        process.send?.(reply);
      });
  });
}
