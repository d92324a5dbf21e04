import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const remedy = "in a checkout: npm run tfjs-node; else: npm install @tensorflow/tfjs-node@4.22.0";

/**
 * Explains why TensorFlow's library is not installed; undefined if it is, although it may not load.
 * Cheap to call.
 */
export function explainAbsence(): string | undefined {
  const addon = addonPath();
  if (addon !== undefined && existsSync(addon)) return undefined;
  return `@tensorflow/tfjs-node is not installed (${remedy})`;
}

/**
 * Explains why the installed TensorFlow library does not load; undefined if it loads. Its add-on
 * may exist although the library that it needs is missing or was built for another machine. The
 * test runs in another process, because it would use 200 MB in this one, and takes half a second.
 */
export function findLoadFault(): string | undefined {
  const code =
    "try { process.dlopen({ exports: {} }, process.argv[1]) } catch ({ message }) { console.log(message); process.exit(1) }";
  const { status, signal, stdout } = spawnSync(
    process.execPath,
    ["--eval", code, addonPath() ?? ""],
    { stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" },
  );
  return status === 0 ? undefined : formatLoadFault(signal ? `ended by ${signal}` : stdout.trim());
}

/**
 * Restores a function of `node:util` that the package calls, and that Node.js removed in version
 * 23.
 */
export function restoreUtil(): void {
  const util = createRequire(import.meta.url)("node:util") as Record<string, unknown>;
  util["isNullOrUndefined"] ??= (value: unknown) => value === null || value === undefined;
}

/** @param why the loader's message */
export function formatLoadFault(why: string): string {
  return `@tensorflow/tfjs-node does not load: ${why} (${remedy})`;
}

/** Path of the add-on; undefined if the package is not installed. */
function addonPath(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve("@tensorflow/tfjs-node/package.json");
    return join(dirname(manifest), "lib/napi-v8/tfjs_binding.node");
  } catch {
    return undefined;
  }
}
