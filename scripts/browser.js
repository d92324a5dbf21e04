// What scripts that measure or picture pages share.
import { createRequire } from "node:module";
import { join } from "node:path";
import { logOf } from "./log-of.js";

const require = createRequire(join(import.meta.dirname, "../e2e/package.json"));
const { chromium } = require("playwright-core");

/** Starts Debian's Chromium, without its sandbox, because containers have no user namespaces. */
export function launchBrowser() {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/**
 * Waits for the address that `fedclair view` prints.
 * @param {import("node:child_process").ChildProcess} child
 * @throws Error if it ends without one
 */
export async function readAddress(child) {
  const [, url] = await logOf(child).waitFor(/: (http:\S+)/);
  return url;
}
