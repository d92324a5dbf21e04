import { once } from "node:events";

/** The line in which a coordinator prints its address, which is the first group. */
export const listening = /listening on (https?:[^"\s]+)/;

/**
 * Collects what a process prints to stderr.
 * @param {import("node:child_process").ChildProcess} child
 * @returns its text so far, and a function that waits until the text matches a pattern and returns
 * the match; it throws if the process ends before
 */
export function logOf(child) {
  const log = { text: "", waitFor };
  let hasEnded = false;
  child.stderr.setEncoding("utf8").on("data", (more) => {
    log.text += more;
    child.emit("output");
  });
  child.on("close", () => {
    hasEnded = true;
    child.emit("output");
  });
  return log;

  async function waitFor(pattern) {
    for (;;) {
      const found = pattern.exec(log.text);
      if (found) return found;
      if (hasEnded) throw new Error(`${child.spawnfile} ended before ${pattern}: ${log.text}`);
      await once(child, "output");
    }
  }
}
