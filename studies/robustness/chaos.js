// npm run lab -- chaos [--minutes N] [--only PATTERN] [--seed N]: runs trials of the fingerprint,
// kills each with all its processes at random moments and resumes it. Then it damages the finished
// folder at a random place and verifies it. A run must end with the bytes of an undisturbed one and
// `verify` must report every damage that changes a result.
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, stat, truncate, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stream } from "@fedclair/core";
import { parseArguments } from "../../scripts/arguments.js";
import { makeData } from "../../scripts/fingerprint/make-data.js";
import { setArguments, trialsToRun } from "../../scripts/fingerprint/trials.js";
import { runUntil } from "./run-until.js";

const results = ["records.jsonl", "params.safetensors", "artifacts.jsonl", "summary.json"];

const { values } = parseArguments({
  options: {
    minutes: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
  },
});
const end = performance.now() + 60_000 * Number(values.minutes);
const rng = stream(Number(values.seed)).at("chaos");
const folder = await mkdtemp(join(tmpdir(), "fedclair-chaos-"));
const [whole, disturbed, damaged] = ["whole", "disturbed", "damaged"].map((name) =>
  join(folder, name),
);

/** @returns the content of each result file; undefined for one that is not there */
async function readResults(out) {
  const read = (file) => readFile(join(out, file), "base64").catch(() => undefined);
  return Object.fromEntries(
    await Promise.all(results.map(async (file) => [file, await read(file)])),
  );
}

const listDifferences = (some, others) => results.filter((file) => some[file] !== others[file]);

/** Runs a trial to its end, killing and resuming it on the way. @returns how often it was killed */
async function runWithKills(args, seconds) {
  for (let kills = 0; ; kills++) {
    const isKilled = kills === 0 || (kills < 4 && rng.uniform() < 0.4);
    const command = existsSync(join(disturbed, "trial.yaml"))
      ? ["resume", disturbed, "--no-report", "--backend", "wasm"]
      : ["run", ...args, "--out", disturbed];
    const killAfter = isKilled ? rng.uniform() * seconds * 1.2 : undefined;
    const { code, stderr } = await runUntil(command, killAfter);
    if (code !== "SIGKILL") return { kills, stderr };
  }
}

/** Damages a file at a random place. @returns what was done */
async function damage(out) {
  const files = [...results, "trial.yaml", "run.json"].filter((file) =>
    existsSync(join(out, file)),
  );
  const file = files[rng.int(files.length)];
  const path = join(out, file);
  const { size } = await stat(path);
  const at = rng.int(Math.max(size, 1));
  const ways = {
    "a bit of": async () => {
      const bytes = await readFile(path);
      bytes[at] ^= 1 << rng.int(8);
      await writeFile(path, bytes);
    },
    "the end of": () => truncate(path, at),
    "all of": () => unlink(path),
    "a line of": async () => {
      const lines = (await readFile(path, "latin1")).split("\n");
      lines.splice(rng.int(lines.length), 1);
      await writeFile(path, lines.join("\n"), "latin1");
    },
  };
  const [what, change] = Object.entries(ways)[rng.int(4)];
  await change();
  return `${what} ${file} (byte ${at} of ${size})`;
}

/** Damages a copy of a finished run and verifies it. @returns a fault, if it is not reported */
async function checkDamage(contents) {
  await cp(disturbed, damaged, { recursive: true });
  const what = await damage(damaged);
  const { code, stderr } = await runUntil(["verify", damaged, "--rounds", "100%"], 120);
  const differing = listDifferences(await readResults(damaged), contents);
  await rm(damaged, { recursive: true });
  if (code === 0 && differing.length > 0) return `${what}: verify is content with it`;
  if (code === "SIGKILL") return `${what}: verify did not end in two minutes`;
  if (code === 0 || /^error: |differ/m.test(stderr) || code === 4) return undefined;
  return `${what}: verify ended with ${code}: ${stderr.slice(0, 300)}`;
}

await makeData(join(folder, "data"));
const only = new RegExp(values.only);
const trials = trialsToRun().filter(({ name }) => only.test(name) && !name.includes("llm"));
const counts = { runs: 0, kills: 0, same: 0, damages: 0, reported: 0 };
for (const { name, file, set } of rng.at("order").sample(trials)) {
  if (performance.now() > end) break;
  const how = counts.runs % 2 === 0 ? ["--transport", "memory"] : ["--hosts", "2"];
  const fixed = ["--backend", "wasm", "--no-report"];
  const args = [file, ...setArguments(set, join(folder, "data")), ...fixed];
  const begin = performance.now();
  await runUntil(["run", ...args, "--transport", "memory", "--out", whole]);
  if (existsSync(join(whole, "summary.json"))) {
    const contents = await readResults(whole);
    const seconds = (performance.now() - begin) / 1000;
    const { kills, stderr } = await runWithKills([...args, ...how], seconds);
    const differing = listDifferences(await readResults(disturbed), contents);
    counts.runs++;
    counts.kills += kills;
    if (differing.length === 0) counts.same++;
    const same = differing.length === 0 ? "the same bytes" : `DIFFERS: ${differing} ${stderr}`;
    console.log(`${name} (${how.at(-1)}): killed ${kills} times, ${same}`);
    for (let i = 0; i < 3 && differing.length === 0; i++) {
      const fault = await checkDamage(contents);
      counts.damages++;
      if (fault === undefined) counts.reported++;
      else console.log(`  ${fault}`);
    }
  }
  for (const out of [whole, disturbed]) await rm(out, { recursive: true, force: true });
}
await rm(folder, { recursive: true });
const { runs, kills, same, damages, reported } = counts;
console.log(`${kills} kills of ${runs} runs: ${same} ended with the same bytes`);
console.log(`${damages} damaged folders: ${reported} reported, or without effect on results`);
process.exitCode = same === runs && reported === damages ? 0 : 1;
