// npm run demo: builds fedclair and runs a trial of thirty clients with two client hosts. It shows
// the output of the build only if that fails.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const isWindows = process.platform === "win32"; // npm is a .cmd file there

console.log("Building fedclair: one to three minutes the first time …");
const started = performance.now();
const build = spawn("npm", ["run", "--silent", "build"], { cwd: root, shell: isWindows });
let output = "";
for (const stream of [build.stdout, build.stderr])
  stream.on("data", (piece) => (output += String(piece)));
const [code] = await once(build, "close");
if (code !== 0) {
  console.error(output);
  process.exit(code ?? 1);
}
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(
  `Built in ${seconds} s. Now the trial: thirty presidents, nine of them contaminated.\n`,
);
const main = resolve(root, "apps/cli/bin/fedclair.js");
const run = ["run", "trials/text-copy/sotu.yaml", "--hosts", "2"];
const trial = spawn(process.execPath, [main, ...run], { cwd: root, stdio: "inherit" });
const ignore = () => undefined; // the terminal sends Ctrl-C to the trial as well
process.on("SIGINT", ignore);
process.on("SIGTERM", () => trial.kill("SIGTERM"));
const [status] = await once(trial, "close");
process.exitCode = status ?? 1;
