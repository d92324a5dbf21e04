/*
 * Stands for `tensorflow-library.ts` in a browser, for the condition `browser` of package.json.
 */

/** Explains why TensorFlow's own library is not there. */
export function explainAbsence(): string | undefined {
  return "TensorFlow's library needs Node.js";
}

/** As in Node.js; never called, because the library is not there. */
export function findLoadFault(): string | undefined {
  return undefined;
}

/** As in Node.js; there is nothing to restore. */
export function restoreUtil(): void {}

/** @param why the loader's message */
export function formatLoadFault(why: string): string {
  return why;
}
