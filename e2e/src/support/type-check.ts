import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { workspace } from "./paths.js";

/** Checks JavaScript files strictly. @param more options @returns the compiler's output */
export function typeCheck(cwd: string, files: readonly string[], more: readonly string[] = []) {
  const compiler = join(workspace, "node_modules/typescript-7/bin/tsc");
  const strict = ["--noEmit", "--allowJs", "--checkJs", "--strict", "--skipLibCheck"];
  const modules = ["--pretty", "false", "--module", "nodenext", "--target", "es2023"];
  const args = [compiler, ...strict, ...modules, ...more, ...files];
  return spawnSync(process.execPath, args, { cwd, encoding: "utf8" });
}
