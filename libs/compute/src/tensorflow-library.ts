import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const remedy = "in a checkout: npm run tfjs-node; else: npm install @tensorflow/tfjs-node@4.22.0";

/** Why TensorFlow's library is not installed, for people; undefined: it is, but may not load. Costs nothing. */
export function absence(): string | undefined {
  const addon = addonPath();
  if (addon !== undefined && existsSync(addon)) return undefined;
  return `@tensorflow/tfjs-node is not installed (${remedy})`;
}

/**
 * Why TensorFlow's library, which is installed, does not load, for people; undefined: it does. The add-on stays where the library that it
 * needs is gone, or is of another machine. It is tried in another process, for this one would keep 200 MB; takes half a second.
 */
export function loadFault(): string | undefined {
  const code =
    "try { process.dlopen({ exports: {} }, process.argv[1]) } catch ({ message }) { console.log(message); process.exit(1) }";
  const { status, signal, stdout } = spawnSync(
    process.execPath,
    ["--eval", code, addonPath() ?? ""],
    { stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" },
  );
  return status === 0 ? undefined : broken(signal ? `ended by ${signal}` : stdout.trim());
}

/** Gives `node:util` what the package calls of it, and Node.js has no more from version 23 on. */
export function restoreUtil(): void {
  const util = createRequire(import.meta.url)("node:util") as Record<string, unknown>;
  util["isNullOrUndefined"] ??= (value: unknown) => value === null || value === undefined;
}

/** @param why what its loader said */
export function broken(why: string): string {
  return `@tensorflow/tfjs-node does not load: ${why} (${remedy})`;
}

/** Undefined without the package. */
function addonPath(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve("@tensorflow/tfjs-node/package.json");
    return join(dirname(manifest), "lib/napi-v8/tfjs_binding.node");
  } catch {
    return undefined;
  }
}
