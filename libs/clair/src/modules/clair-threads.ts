import { Thread, ThreadPool } from "@fedclair/threads";
import type { ThreadObjects } from "./thread-objects.js";
import { restore } from "../updates/transfer.js";

/** Threads that rounds share, at most one for each core. */
export const clairThreads = new ThreadPool(
  () =>
    new Thread<ThreadObjects>(new URL(import.meta.resolve("#module-thread")), {
      name: "a thread of CLAIR",
      idleMs: 10_000,
      restore,
    }),
);
