import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { UserError } from "@fedclair/core";
import { systemErrorCode, makeFolder, slurmFolder, writeWhole, type Sweep } from "@fedclair/runs";
import { setArgs } from "../processes/set-args.js";
import type { SweepOptions } from "./sweep-options.js";

/** The most tasks of an array in Slurm's own configuration (MaxArraySize) are 1001. */
const mostTasks = 1000;

/**
 * Writes the job script of a sweep into its folder. It is an array with a task for each trial.
 * Slurm runs a few of them at a time. All nodes can access the folder.
 * @returns the path of the script
 */
export async function writeJobScript(
  { name, trials }: Sweep,
  file: string,
  out: string,
  { set, jobs, slurmOptions: options, python, device }: SweepOptions,
) {
  if (options?.includes("\n")) throw new UserError("--slurm-options: expected one line");
  const folder = resolve(out, slurmFolder);
  await makeFolder(folder);
  const program = [process.execPath, process.argv[1] ?? ""];
  const chosen = Object.entries({ python, device }).flatMap(([option, value]) =>
    value === undefined ? [] : [`--${option}`, value],
  );
  const place = ["--out", resolve(out), ...setArgs(set), ...chosen];
  const command = [...program, "sweep", resolve(file), ...place];
  const script = join(folder, "job.sh");
  const tasks = Math.min(trials.length, mostTasks);
  await writeWhole(
    script,
    `#!/bin/bash
#SBATCH --job-name=fedclair-${name}
#SBATCH --array=0-${tasks - 1}%${jobs}
#SBATCH --output=${JSON.stringify(join(folder.replaceAll("%", "%%"), "%A-%a.log"))}
${options === undefined ? "" : `#SBATCH ${options}\n`}
cd ${quoteForShell(process.cwd())}
exec ${command.map(quoteForShell).join(" ")} --share "$SLURM_ARRAY_TASK_ID/${tasks}"
`,
  );
  return script;
}

/**
 * Submits a job script.
 * @returns the output of sbatch
 * @throws UserError if sbatch is missing or fails
 */
export async function submit(script: string): Promise<string> {
  try {
    return (await promisify(execFile)("sbatch", [script])).stdout.trim();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") {
      throw new UserError(
        `there is no sbatch on this machine: run this where jobs of Slurm are submitted, or there sbatch ${script}`,
      );
    }
    const { stderr = String(error) } = error as { readonly stderr?: string };
    throw new UserError(`sbatch ${script}: ${stderr.trim()}`);
  }
}

/** Quotes a word for the shell. */
function quoteForShell(word: string): string {
  return /^[\w./=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
