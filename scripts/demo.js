// npm run demo: builds the command without its tests, which takes half of `npm run build`, and runs
// a trial of thirty clients with two client hosts. Output of the build is shown only if it fails.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const isWindows = process.platform === "win32"; // npm is a .cmd file there

const started = performance.now();
console.log("1 of 3: generating messages and kernels …");
await build("npx", ["nx", "run-many", "-t", "codegen", "--output-style=static"]);
console.log("2 of 3: compiling fedclair …");
const compiler = "node_modules/typescript-7/bin/tsc";
await build(process.execPath, [compiler, "-b", "apps/cli/tsconfig.lib.json"]);
await build(process.execPath, ["scripts/build-page.js"]);
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(
  `Built in ${seconds} s. 3 of 3: thirty presidents train for four rounds, nine are contaminated.\n`,
);
const main = resolve(root, "apps/cli/bin/fedclair.js");
const run = ["run", "trials/text-copy/sotu.yaml", "--hosts", "2"];
const trial = spawn(process.execPath, [main, ...run], { cwd: root, stdio: "inherit" });
const ignore = () => undefined; // the terminal sends Ctrl-C to the trial as well
process.on("SIGINT", ignore);
process.on("SIGTERM", () => trial.kill("SIGTERM"));
const [status] = await once(trial, "close");
process.exitCode = status ?? 1;

/** Runs a step of the build. It ends this process if the step fails. */
async function build(program, args) {
  const child = spawn(program, args, { cwd: root, shell: isWindows && program === "npx" });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (piece) => (output += String(piece)));
  const [code] = await once(child, "close");
  if (code === 0) return;
  console.error(output);
  process.exit(code ?? 1);
}
