// npm run lab -- chaos [--kills N] [--only PATTERN] [--seed N]: runs the trials of the fingerprint,
// kills each with all its processes at a random moment and resumes it, often several times. It then
// compares the results with those of an undisturbed run.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { stream } from "@fedclair/linalg";
import { parseArguments } from "./arguments.js";
import { makeData } from "./fingerprint/make-data.js";
import { setArguments, trialsToRun, workspace } from "./fingerprint/trials.js";

const program = join(workspace, "apps/cli/bin/fedclair.js");
const results = ["records.jsonl", "params.safetensors", "artifacts.jsonl", "summary.json"];

const { values } = parseArguments({
  options: {
    kills: { type: "string", default: "200" },
    only: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
  },
});
const kills = Number(values.kills);
const rng = stream(Number(values.seed)).at("chaos");
const folder = await mkdtemp(join(tmpdir(), "fedclair-chaos-"));

/** @param killAfter seconds until the command is killed; undefined: never */
async function runCommand(args, killAfter) {
  const { FEDCLAIR_TOKEN: _token, ...env } = process.env;
  const child = spawn(process.execPath, [program, ...args], {
    cwd: workspace,
    env: { ...env, FEDCLAIR_LOG: "silent" },
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const ended = new AbortController();
  const end = new Promise((resolve) => {
    child.on("close", (code, signal) => {
      ended.abort();
      resolve({ code: code ?? signal, stderr });
    });
  });
  if (killAfter !== undefined) {
    await delay(killAfter * 1000, undefined, { signal: ended.signal }).catch(() => undefined);
    if (!ended.signal.aborted) process.kill(-child.pid, "SIGKILL");
  }
  return await end;
}

async function readResults(out) {
  const read = (file) => readFile(join(out, file), "base64").catch(() => undefined);
  return Object.fromEntries(
    await Promise.all(results.map(async (file) => [file, await read(file)])),
  );
}

const undisturbed = new Map();

/**
 * Runs a trial without disturbing it, once.
 * @returns the contents of its result files and the seconds it took; undefined for a trial that
 *   fails
 */
async function runUndisturbed({ name, args }) {
  if (undisturbed.has(name)) return undisturbed.get(name);
  const out = join(folder, "whole");
  const begin = performance.now();
  await runCommand(["run", ...args, "--transport", "memory", "--out", out]);
  const whole = existsSync(join(out, "summary.json"))
    ? { contents: await readResults(out), seconds: (performance.now() - begin) / 1000 }
    : undefined;
  await rm(out, { recursive: true, force: true });
  undisturbed.set(name, whole);
  return whole;
}

/**
 * Runs a trial to its end, killing and resuming it on the way.
 * @returns how often it was killed, and the result files that differ
 */
async function runWithKills({ args }, { contents, seconds }, how) {
  const out = join(folder, "disturbed");
  const run = ["run", ...args, ...how, "--out", out];
  let killed = 0;
  for (;;) {
    const isKilled = killed === 0 || (killed < 4 && rng.uniform() < 0.4);
    const command = existsSync(join(out, "trial.yaml"))
      ? ["resume", out, "--no-report", "--backend", "wasm", ...how]
      : run;
    const { code, stderr } = await runCommand(
      command,
      isKilled ? rng.uniform() * seconds * 1.2 : undefined,
    );
    if (code === "SIGKILL") {
      killed++;
      continue;
    }
    const found = await readResults(out);
    const differing = results.filter((file) => found[file] !== contents[file]);
    await rm(out, { recursive: true, force: true });
    return { killed, differing: differing.length === 0 ? [] : [...differing, stderr.trim()] };
  }
}

await makeData(join(folder, "data"));
const only = new RegExp(values.only);
const all = trialsToRun()
  .filter(({ name }) => only.test(name) && !name.includes("llm"))
  .map(({ name, file, set }) => ({
    name,
    args: [file, ...setArguments(set, join(folder, "data")), "--backend", "wasm", "--no-report"],
  }));
const trials = rng.at("order").sample(all);
let [done, failed, runs] = [0, 0, 0];
for (let i = 0; done < kills; i++) {
  const trial = trials[i % trials.length];
  const whole = await runUndisturbed(trial);
  if (!whole) continue;
  const how = i % 2 === 0 ? ["--transport", "memory"] : ["--hosts", "2"];
  const { killed, differing } = await runWithKills(trial, whole, how);
  done += killed;
  runs++;
  if (differing.length > 0) failed++;
  const outcome = differing.length === 0 ? "the same bytes" : `DIFFERS: ${differing.join("; ")}`;
  console.log(`${done}/${kills} ${trial.name} (${how.at(-1)}): killed ${killed} times, ${outcome}`);
}
await rm(folder, { recursive: true, force: true });
console.log(
  `${done} kills of ${runs} runs: ${runs - failed} ended with the same bytes, ${failed} did not`,
);
process.exitCode = failed > 0 ? 1 : 0;
