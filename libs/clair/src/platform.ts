import { readFileSync } from "node:fs";

/** Returns the number of threads that CLAIR may use besides its own; 0 if there are none. */
export { availableParallelism as countThreads } from "node:os";

/** Reads the bank that is shipped. */
export function readBankFile(): unknown {
  return JSON.parse(readFileSync(new URL(import.meta.resolve("#clair-bank")), "utf8"));
}
