// npm run lab -- NAME [ARGUMENT…]: runs one of the scripts that measure, stress or regenerate parts
// of fedclair, after a build where the script needs one. Without a name it lists them. The exit
// code is the script's.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { resolve } from "node:path";
import { findLabScript, labScripts } from "./lab/catalogue.js";

const root = resolve(import.meta.dirname, "..");
const [name, ...args] = process.argv.slice(2);

if (name === undefined || name === "--help") {
  console.log(formatList());
} else {
  process.exitCode = await runByName(name);
}

async function runByName(name) {
  const script = findLabScript(name);
  if (script === undefined) {
    const names = Object.values(labScripts).flatMap((group) => group.map(({ name }) => name));
    console.error(`error: no script '${name}': expected one of ${names.join(", ")}`);
    return 2;
  }
  if (args.includes("--help")) console.log(`${name}: ${script.summary}`);
  if (script.build ?? true) {
    const code = await run("npm", ["run", "--silent", "build"], {
      shell: process.platform === "win32", // npm is a .cmd file there
    });
    if (code !== 0) return code;
  }
  return run(process.execPath, [resolve(root, script.file), ...(script.args ?? []), ...args]);
}

/** Runs a program in the workspace's root. @returns its exit code */
async function run(program, words, options = {}) {
  const child = spawn(program, words, { cwd: root, stdio: "inherit", ...options });
  // The terminal sends Ctrl-C to the child as well, which may need time to clean up.
  const ignore = () => undefined;
  const forward = () => child.kill("SIGTERM");
  process.on("SIGINT", ignore).on("SIGTERM", forward);
  try {
    const [code, signal] = await once(child, "close");
    return code ?? 128 + constants.signals[signal];
  } finally {
    process.off("SIGINT", ignore).off("SIGTERM", forward);
  }
}

function formatList() {
  const groups = Object.entries(labScripts).map(([group, scripts]) => {
    const lines = scripts.map(({ name, summary }) => `  ${name.padEnd(14)} ${summary}`);
    return [`${group}:`, ...lines].join("\n");
  });
  return ["usage: npm run lab -- NAME [ARGUMENT…]", ...groups].join("\n\n");
}
