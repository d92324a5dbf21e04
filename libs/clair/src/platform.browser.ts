import bank from "#clair-bank" with { type: "json" };

/*
 * What CLAIR needs of its platform, for the condition `browser` of package.json: the bundler puts
 * the bank into the script, and all work runs in the worker that calls it.
 */

/** Returns the number of threads that CLAIR may use besides its own: none. */
export function countThreads(): number {
  return 0;
}

/** Returns the bank that is shipped. */
export function readBankFile(): unknown {
  return bank;
}
