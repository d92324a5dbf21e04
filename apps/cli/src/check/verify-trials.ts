import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "@fedclair/core";
import {
  exitCodes,
  explainExternalHosts,
  listArms,
  listSeeds,
  oneLine,
  readPythonClients,
  seedsSchema,
  type PythonClients,
  type Trial,
} from "@fedclair/core/internal";
import {
  countNoun,
  commandName,
  checkMeasures,
  checkRecords,
  compareMeasures,
  drawsData,
  interruption,
  listAttackNames,
  prepareTrial,
  print,
  readTrialFile,
  type Summary,
  atATime,
} from "@fedclair/runs";
import pc from "picocolors";
import { checkInterpreter } from "../processes/host-processes.js";
import { withOptions, type PythonOptions } from "../processes/read-hosts.js";
import { setArgs } from "../processes/set-args.js";
import { trialFiles } from "../results/trial-files.js";
import { allowPython, loadAllowedPlugins, type TrustOptions } from "../trust/allow-code.js";

export interface VerifyTrialsOptions extends Pick<PythonOptions, "python">, TrustOptions {
  readonly set: readonly string[];
  /** Number of trials to run at a time. */
  readonly jobs?: number;
}

/**
 * `fedclair verify TRIALS`: runs trials with expected ranges, once for each seed, and prints the
 * measured and expected values. A range is for every seed, for their mean, or for the interval of
 * the mean. Each trial runs in its own process without sockets and gives the same numbers. Trials
 * then run side by side, and one that hangs or runs out of memory fails alone, unlike with `run` of
 * the API, which runs in the program's process.
 * Trials whose clients are on hosts of their own, or in a Python that is not here, are left out
 * with a notice.
 * @throws UserError (exit code 4) if a value is outside its range, or a trial has ended with an
 * error; UserError if a folder names code that may not run
 */
export async function verifyTrials(
  paths: readonly string[],
  options: VerifyTrialsOptions,
): Promise<void> {
  const files = new Set((await Promise.all(paths.map(trialFiles))).flat());
  // A file that is named may run; of a folder, only code that the user knows or allows.
  const named = new Set(paths.map((path) => join(path)));
  const read = await Promise.all(
    [...files].map((file) =>
      claimOf(file, { ...options, trust: options.trust || named.has(file) }),
    ),
  );
  const claims = read.filter((claim) => typeof claim === "object");
  const leftOut = read.filter((claim) => claim === "left out").length;
  if (claims.length === 0 && leftOut > 0)
    throw new UserError(
      `none of the trials under ${paths.join(", ")} can be run here, for the reasons above`,
    );
  if (claims.length === 0) {
    throw new UserError(
      `no trial under ${paths.join(", ")} has expect.measures; add some, or run one by ${commandName()} run, or ` +
        `${commandName()} coordinator where its clients are external`,
    );
  }
  const runs = claims.flatMap((claim) =>
    claim.seeds.map((seed) => () => summaryOf(claim, seed, options)),
  );
  const summaries = atATime(runs, options.jobs ?? availableParallelism());
  for (const summary of summaries) summary.catch(() => undefined); // awaited below, in order
  let checked = 0;
  let outside = 0;
  for (const { file, trial, seeds } of claims) {
    print(`${pc.bold(oneLine(file))}: ${oneLine(trial.claim ?? trial.name)}\n`);
    const outcomes = await Promise.all(summaries.splice(0, seeds.length));
    for (const { error } of outcomes) {
      if (error !== undefined) print(`  ${pc.red("FAIL")} ${error}\n`);
    }
    for (const row of compareMeasures(trial, outcomes, listArms(trial))) {
      checked++;
      if (!row.within) outside++;
      print(`  ${row.within ? pc.green("ok  ") : pc.red("FAIL")} ${row.text}\n`);
    }
  }
  const notRun = leftOut > 0 ? `, ${countNoun(leftOut, "trial")} left out` : "";
  print(`${checked - outside} passed, ${outside} failed${notRun}\n`);
  if (outside > 0)
    throw new UserError(
      `${outside} of ${checked} measures lie outside their range, or could not be had`,
      exitCodes.unexpected,
    );
}

interface Claim {
  readonly file: string;
  readonly trial: Trial;
  readonly seeds: readonly number[];
  /** Does each seed draw its own data, as in a study? */
  readonly drawsData: boolean;
  /** Whether hosts in Python run the clients, so that they need sockets. */
  readonly isPython: boolean;
}

/** Reads the expectations of a trial file, if it has any and can be run here. */
async function claimOf(
  file: string,
  options: VerifyTrialsOptions,
): Promise<Claim | "left out" | undefined> {
  const { set } = options;
  const { yaml } = readTrialFile(file, set);
  const { seeds } = (yaml.content ?? {}) as { readonly seeds?: unknown };
  const prepared = await prepareTrial(file, [...set, oneSeed], loadAllowedPlugins(options));
  const { trial, notices } = prepared;
  for (const notice of notices) process.stderr.write(`${oneLine(file)}: ${notice}\n`);
  if (!trial.expect) return undefined;
  const measured = { ...prepared, attackNames: listAttackNames(prepared) };
  checkMeasures(Object.keys(trial.expect.measures), [measured], `${file}: expect.measures`);
  const why = explainExternalHosts(prepared);
  const python = readPythonClients(trial);
  const missing = python ? await explainMissingPython(python, options) : why;
  if (missing !== undefined) {
    process.stderr.write(`${pc.yellow("left out")} ${oneLine(file)}: ${missing}\n`);
    return "left out";
  }
  await allowPython([trial], file, options);
  const given = trial.expect.seeds ?? seedsSchema.safeParse(seeds).data;
  return {
    file,
    trial,
    seeds: listSeeds(given ?? 1, trial.seed),
    drawsData: given !== undefined && drawsData(yaml.content, prepared.taskPlugin),
    isPython: python !== undefined,
  };
}

/**
 * Explains why Python clients cannot be run here; undefined if they can, and if the user names an
 * interpreter, whose faults are errors.
 */
async function explainMissingPython(
  clients: PythonClients,
  options: Pick<VerifyTrialsOptions, "python">,
): Promise<string | undefined> {
  if (options.python !== undefined) return undefined;
  try {
    await checkInterpreter(withOptions(clients, options).interpreter);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** Runs a trial that has several seeds once, with the seed that is set. */
const oneSeed = "seeds=1";

/** The result of a trial with one seed; without measures if it has ended with an error. */
type Outcome = Pick<Summary, "measures" | "details"> & { readonly error?: string };

async function summaryOf(
  { file, trial, drawsData: isDrawn, isPython }: Claim,
  seed: number,
  options: VerifyTrialsOptions,
): Promise<Outcome> {
  interruption.signal.throwIfAborted();
  const out = await mkdtemp(join(tmpdir(), `fedclair-${trial.name}-`));
  const data = isDrawn ? [`task.dataSeed=${seed}`] : [];
  const set = setArgs([...options.set, oneSeed, `seed=${seed}`, ...data]);
  const how = [
    ...(isPython ? ["--hosts", "1"] : ["--transport", "memory"]),
    ...(options.python === undefined ? [] : ["--python", options.python]),
    ...["--no-report", "--json"],
  ];
  const { code, stdout, stderr } = await fedclair(["run", file, ...how, "--out", out, ...set]);
  interruption.signal.throwIfAborted();
  if (code !== 0) {
    const error = `seed ${seed} ended with ${code}; its run lies in ${out}\n${stderr.trimEnd()}`;
    return { error, measures: {}, details: [] };
  }
  const summary = JSON.parse(stdout) as Summary;
  await checkRecords(out, { link: summary.chain });
  await rm(out, { recursive: true });
  return summary;
}

/** Runs this program in a child process, which is stopped together with this one. */
async function fedclair(args: readonly string[]) {
  const main = fileURLToPath(import.meta.resolve("#fedclair"));
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const stop = () => child.kill("SIGTERM");
  interruption.signal.addEventListener("abort", stop);
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  interruption.signal.removeEventListener("abort", stop);
  return { code: code ?? signal ?? exitCodes.internal, stdout, stderr };
}
