// npm run fingerprint -- --out FILE: runs every shipped trial, with fewer rounds where it is long,
// and variations that cover the other options (scripts/fingerprint/variations.yaml). It writes
// hashes of all their numbers.
// npm run fingerprint -- --compare OLD NEW: prints the differences between two such files and exits
// with 1 if there are any.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  accepts,
  formatCounts,
  listDifferences,
  formatDifferences,
} from "./fingerprint/compare.js";
import { makeData } from "./fingerprint/make-data.js";
import { fingerprintTrial } from "./fingerprint/run.js";
import { trialsToRun, workspace } from "./fingerprint/trials.js";

const usage = `usage: npm run fingerprint -- --out FILE [--only PATTERN] [--jobs N] [--hosts N] [--command FILE]
       npm run fingerprint -- --compare OLD NEW [--only PATTERN] [--allow KIND,…]
  --only     run or compare only trials whose names match this regular expression
  --jobs     number of trials that run at the same time; default 1
  --hosts    number of client hosts of each trial, over sockets; default: everything in one process
  --command  fedclair.js to run, for example of another version; default: that of this workspace
  --allow    kinds of differences to accept, for example undecided,bytes,measures:detection.*`;

/** @returns undefined for invalid arguments */
function parseArguments(words) {
  const text = { type: "string" };
  const options = { out: text, only: text, jobs: text, hosts: text, command: text, allow: text };
  try {
    const { values, positionals } = parseArgs({
      args: words,
      options: { ...options, compare: { type: "boolean" } },
      allowPositionals: true,
    });
    const counts = [values.jobs ?? "1", values.hosts ?? "1"];
    const fits = values.compare
      ? positionals.length === 2 && values.out === undefined
      : positionals.length === 0 && values.out !== undefined && values.allow === undefined;
    if (!fits || !counts.every((count) => /^[1-9]\d*$/.test(count))) return undefined;
    return { ...values, files: positionals, only: new RegExp(values.only ?? "") };
  } catch {
    return undefined;
  }
}

/** Runs the trials, `jobs` at a time, and writes their fingerprints. */
async function run({ out, only, jobs = "1", hosts, command }) {
  const trials = trialsToRun().filter(({ name }) => only.test(name));
  if (trials.length === 0) throw new Error(`no trial matches ${only}`);
  const program = command ?? join(workspace, "apps/cli/bin/fedclair.js");
  const folder = await mkdtemp(join(tmpdir(), "fedclair-fingerprint-"));
  const fingerprints = {};
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < trials.length) {
      const trial = trials[next++];
      const begin = performance.now();
      const fingerprint = await fingerprintTrial(trial, { program, hosts, folder });
      fingerprints[trial.name] = fingerprint;
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      const failure = fingerprint.exit === 0 ? "" : `, exit ${fingerprint.exit}`;
      console.error(`${++done}/${trials.length} ${trial.name}: ${seconds} s${failure}`);
    }
  };
  try {
    await makeData(join(folder, "data"));
    await Promise.all(Array.from({ length: Number(jobs) }, work));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const inOrder = Object.fromEntries(trials.map(({ name }) => [name, fingerprints[name]]));
  await writeFile(out, JSON.stringify(inOrder, null, 1) + "\n");
  return 0;
}

/** Prints the differences. @returns the exit code */
async function compare({ files, only, allow = "" }) {
  const [before, after] = await Promise.all(
    files.map(async (file) => {
      const trials = Object.entries(JSON.parse(await readFile(file, "utf8")));
      return new Map(trials.filter(([name]) => only.test(name)));
    }),
  );
  const compared = [...before.keys()].filter((name) => after.has(name)).length;
  const isIntended = accepts(allow.split(",").filter(Boolean));
  const found = listDifferences(before, after);
  const accepted = found.filter(({ kind }) => isIntended(kind));
  const others = found.filter(({ kind }) => !isIntended(kind));
  if (others.length > 0) console.log(formatDifferences(others));
  if (accepted.length > 0) console.log(`accepted: ${formatCounts(accepted)}`);
  console.log(`${compared} trials compared, ${others.length} differences`);
  // A comparison of no trials proves nothing.
  return others.length === 0 && compared > 0 ? 0 : 1;
}

const args = parseArguments(process.argv.slice(2));
if (args) process.exitCode = await (args.compare ? compare(args) : run(args));
else {
  console.error(usage);
  process.exitCode = 2;
}
