// npm run lab -- bench-updates: measures a coordinator's peak memory and longest stall with large
// updates, by aggregator. Sixteen clients on two hosts send two rounds of dense updates of 100 MB
// each.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArguments } from "../scripts/arguments.js";
import { listening, logOf } from "../scripts/log-of.js";

const { values } = parseArguments({
  options: {
    rules: { type: "string", default: "fedavg,norm-clip,coordinate-median" },
    clients: { type: "string", default: "16" },
    hosts: { type: "string", default: "2" },
    megabytes: { type: "string", default: "100" },
    modules: { type: "string", default: "20" },
  },
});
const here = new URL(".", import.meta.url);
const watch = new URL("updates/watch.js", here).href;
const main = new URL("../apps/cli/bin/fedclair.js", here).pathname;
const plugin = new URL("updates/task.js", here).pathname;
const folder = await mkdtemp(join(tmpdir(), "fedclair-bench-"));

console.log("rule                 s  peak MiB  longest stall ms");
for (const rule of values.rules.split(",")) {
  const [trial, out] = [join(folder, "trial.yaml"), join(folder, rule)];
  await writeFile(
    trial,
    `{ name: large, rounds: 2, clients: ${values.clients}, plugins: [${JSON.stringify(plugin)}], evaluate: never,
       task: { name: large, megabytes: ${values.megabytes}, modules: ${values.modules} }, aggregator: { name: ${rule} } }`,
  );
  const started = performance.now();
  const coordinator = spawn(
    process.execPath,
    [main, "coordinator", trial, "--out", out, "--listen", "127.0.0.1:0", "--no-report"],
    {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, NODE_OPTIONS: `--import ${watch}` },
    },
  );
  const log = logOf(coordinator);
  const [, url] = await log.waitFor(listening);
  const capacity = String(Math.ceil(Number(values.clients) / Number(values.hosts)));
  for (let host = 0; host < Number(values.hosts); host++) {
    const args = ["client", "--coordinator", url, "--capacity", capacity, "--plugin", plugin];
    spawn(process.execPath, [main, ...args], { stdio: "ignore" });
  }
  const [code] = await once(coordinator, "close");
  if (code !== 0) throw new Error(log.text);
  // Both the command and the coordinator that it starts print the line.
  const watched = [...log.text.matchAll(/watched: (\d+) MiB, (\d+) ms/g)];
  const [peak, stall] = [1, 2].map((i) =>
    String(Math.max(...watched.map((one) => Number(one[i])))),
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `${rule.padEnd(18)} ${seconds.padStart(3)} ${peak.padStart(9)} ${stall.padStart(17)}`,
  );
}
await rm(folder, { recursive: true });
