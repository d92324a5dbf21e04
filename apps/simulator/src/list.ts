import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { oneLine, parseTrial } from "@fedclair/core";
import { pluginsFor } from "@fedclair/plugins";
import { isSweep, parseSweep, pathsOf, print, readSummary, type Summary } from "@fedclair/runs";
import pc from "picocolors";
import { trialFiles } from "./trial-files.js";

/** `fedclair list`: the trials and sweeps under a folder, with their claims, and the runs that lie in `runs`. */
export async function list(folder: string, json: boolean): Promise<void> {
  const files = await Promise.all((await trialFiles(folder)).map(listed));
  const runs = await finishedRuns("runs");
  if (json) {
    const of = (key: string) => files.filter((entry) => key in entry);
    const [trials, sweeps, faulty] = [of("task"), of("sweep"), of("fault")];
    print(JSON.stringify({ trials, sweeps, faulty, runs }) + "\n");
    return;
  }
  for (const entry of files) {
    print(`${pc.bold(oneLine(entry.file))}  ${line(entry)}\n`);
  }
  for (const { folder: run, summary } of runs) {
    const arms = oneLine(summary.arms.join(", "));
    print(`${pc.bold(oneLine(run))}  seed ${summary.seed}: ${arms}\n`);
  }
}

/** A file under a folder of trial files. */
type Listed =
  | {
      readonly file: string;
      readonly task: string;
      readonly clients: number;
      readonly claim: string;
    }
  | {
      readonly file: string;
      readonly sweep: string;
      readonly trials: number;
      readonly claim: string;
    }
  | { readonly file: string; readonly fault: string };

async function listed(file: string): Promise<Listed> {
  try {
    const text = await readFile(file, "utf8");
    const plugins = await pluginsFor(file);
    if (isSweep(text)) {
      const { name, trials, claim = "" } = parseSweep(text, file, plugins);
      return { file, sweep: name, trials: trials.length, claim };
    }
    const { task, clients, claim = "" } = parseTrial(text, file, plugins, [], pathsOf(file));
    return { file, task: task.name, clients, claim };
  } catch (error) {
    const [fault = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return { file, fault };
  }
}

function line(entry: Listed): string {
  if ("fault" in entry) return pc.red(`cannot be run: ${oneLine(entry.fault)}`);
  const what =
    "sweep" in entry
      ? `sweep of ${entry.trials} trials`
      : `${entry.task}, ${entry.clients} clients`;
  return entry.claim === "" ? what : `${what}\n    ${oneLine(entry.claim.trim())}`;
}

async function finishedRuns(root: string): Promise<{ folder: string; summary: Summary }[]> {
  const names = await readdir(root).catch(() => []);
  const runs = await Promise.all(
    names.sort().map(async (name) => {
      const folder = join(root, name);
      const summary = await readSummary(folder);
      return summary ? [{ folder, summary }] : [];
    }),
  );
  return runs.flat();
}
