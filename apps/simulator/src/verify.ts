import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitCodes, parseTrial, UserError, type Trial } from "@fedclair/core";
import { interruption, readTrialFile, type Summary } from "@fedclair/trials";
import pc from "picocolors";
import { runFederation } from "./federation.js";
import { plugins } from "./plugins.js";
import { hostsFor, setArgs } from "./run.js";

export interface VerifyOptions {
  readonly set: readonly string[];
  readonly hosts?: number;
}

/**
 * `fedclair verify`: runs the trials that carry a claim and expected ranges, once a seed, and prints measured against
 * expected. @throws UserError (exit code 4) if anything lies outside its range
 */
export async function verify(paths: readonly string[], options: VerifyOptions): Promise<void> {
  const files = (await Promise.all(paths.map(trialFiles))).flat();
  let checked = 0;
  let outside = 0;
  for (const file of files) {
    const trial = parseTrial(await readTrialFile(file), file, plugins, options.set);
    if (!trial.expect) continue;
    process.stdout.write(`${pc.bold(file)}: ${trial.claim ?? trial.name}\n`);
    const seeds = trial.expect.seeds ?? [trial.seed];
    const summaries: Summary[] = [];
    for (const seed of seeds) summaries.push(await summaryOf(file, trial, seed, options));
    for (const row of compare(trial, summaries)) {
      checked++;
      if (!row.within) outside++;
      process.stdout.write(`  ${row.within ? pc.green("ok  ") : pc.red("FAIL")} ${row.text}\n`);
    }
  }
  if (checked === 0) {
    throw new UserError(
      `no trial under ${paths.join(", ")} has expect.measures; add some, or use fedclair run`,
    );
  }
  process.stdout.write(`${checked - outside} passed, ${outside} failed\n`);
  if (outside > 0)
    throw new UserError(
      `${outside} of ${checked} measures lie outside their range`,
      exitCodes.unexpected,
    );
}

/** Each expected measure with what the seeds gave. */
export function compare(
  { expect }: Pick<Trial, "expect">,
  summaries: readonly Pick<Summary, "measures">[],
): { within: boolean; text: string }[] {
  return Object.entries(expect?.measures ?? {}).map(([measure, { min, max }]) => {
    const values = summaries.map(({ measures }) => measures[measure]);
    const within = values.every(
      (value) => value !== undefined && value >= (min ?? -Infinity) && value <= (max ?? Infinity),
    );
    const shown = values.map((value) =>
      value === undefined ? "absent" : String(Number(value.toPrecision(4))),
    );
    const range = [min === undefined ? "" : `≥ ${min}`, max === undefined ? "" : `≤ ${max}`]
      .filter(Boolean)
      .join(" and ");
    return { within, text: `${measure}: measured ${shown.join(", ")}; expected ${range}` };
  });
}

async function summaryOf(
  file: string,
  trial: Trial,
  seed: number,
  options: VerifyOptions,
): Promise<Summary> {
  const out = await mkdtemp(join(tmpdir(), `fedclair-${trial.name}-`));
  const set = [...options.set, `seed=${seed}`];
  const { code, stdout } = await runFederation({
    coordinatorArgs: [file, "--out", out, "--json", ...setArgs(set)],
    clients: trial.clients,
    hosts: hostsFor(trial.clients, options.hosts),
    backend: "auto",
    stdout: "pipe",
  });
  interruption.signal.throwIfAborted();
  if (code !== 0)
    throw new UserError(
      `${file} with seed ${seed} ended with exit code ${code}; its run lies in ${out}`,
      code,
    );
  await rm(out, { recursive: true });
  return JSON.parse(stdout) as Summary;
}

/** The trial files under a path, sorted. */
export async function trialFiles(path: string): Promise<string[]> {
  const isFolder = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => {
      throw new UserError(`no trial file or folder '${path}'`);
    },
  );
  if (!isFolder) return [path];
  const entries = await readdir(path, { recursive: true });
  return entries
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => join(path, name));
}
