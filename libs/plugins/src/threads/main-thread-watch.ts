// The script of the thread that watches the event loop of the main thread (main-thread-limit.ts).
import { Session } from "node:inspector";
import { workerData } from "node:worker_threads";

const { memory, expression } = workerData as {
  readonly memory: SharedArrayBuffer;
  readonly expression: string;
};
const [turns, limit] = [0, 1];
const shared = new Int32Array(memory);

/** The longest time between two looks, in ms. */
const longestTick = 500;

/** Looks whether the event loop turns. Time in which the whole process is stopped hardly counts. */
function look(before: number, waited: number): void {
  const limitMs = Atomics.load(shared, limit);
  const tickMs = Math.min(longestTick, limitMs / 8);
  setTimeout(() => {
    const now = Atomics.load(shared, turns);
    const waitedNow = now === before ? waited + tickMs : 0;
    if (waitedNow < limitMs) look(now, waitedNow);
    else
      void interrupt().then(() => {
        look(now, 0);
      });
  }, tickMs);
}

/** Has the main thread judge what it runs, in the midst of it. */
async function interrupt(): Promise<void> {
  const session = new Session();
  session.connectToMainThread();
  await new Promise((resolve) => {
    session.post("Runtime.evaluate", { expression }, resolve);
  });
  session.disconnect();
}

look(Atomics.load(shared, turns), 0);
