import { closeSync, fstatSync } from "node:fs";
import { join } from "node:path";
import { openRegularFile, readAnywhere } from "@fedclair/runs";
import type { Describe } from "./live-run.js";

/** Number of descriptions that are kept. */
const mostKept = 64;

/**
 * Describes a trial once, also if that fails, until its file changes. The trial of a stranger may
 * take a second, and every request needs its description.
 */
export function rememberDescriptions(describe: Describe): Describe {
  const kept = new Map<string, { readonly file: string; readonly made: ReturnType<Describe> }>();
  return async (folder) => {
    // A trial may name files elsewhere, but it is not read from there itself.
    const file = identify(join(folder, "trial.yaml"));
    const known = kept.get(folder);
    if (known?.file === file) return await known.made;
    const made = readAnywhere(() => describe(folder));
    kept.delete(folder);
    kept.set(folder, { file, made });
    const [oldest] = kept.keys();
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
    return await made;
  };
}

/** Returns a text that differs if a file was written again. */
function identify(path: string): string {
  const descriptor = openRegularFile(path);
  try {
    const { ino, size, mtimeMs } = fstatSync(descriptor);
    return `${ino} ${size} ${mtimeMs}`;
  } finally {
    closeSync(descriptor);
  }
}
