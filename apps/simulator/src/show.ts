import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseTrial, trialSchema, UserError, type Plugin } from "@fedclair/core";
import { writeReport } from "@fedclair/report";
import {
  describeTrial,
  isSweep,
  parseSweep,
  pathsOf,
  readSummary,
  type Summary,
} from "@fedclair/runs";
import pc from "picocolors";
import { z } from "zod";
import { plugins } from "./plugins.js";
import { trialFiles } from "./verify.js";

/** `fedclair list`: the trials and sweeps under a folder, with their claims, and the runs that lie in `runs`. */
export async function list(folder: string, json: boolean): Promise<void> {
  const files = await Promise.all((await trialFiles(folder)).map(listed));
  const runs = await finishedRuns("runs");
  if (json) {
    const of = (key: string) => files.filter((entry) => key in entry);
    const [trials, sweeps, faulty] = [of("task"), of("sweep"), of("fault")];
    process.stdout.write(JSON.stringify({ trials, sweeps, faulty, runs }) + "\n");
    return;
  }
  for (const entry of files) {
    process.stdout.write(`${pc.bold(entry.file)}  ${line(entry)}\n`);
  }
  for (const { folder: run, summary } of runs) {
    process.stdout.write(`${pc.bold(run)}  seed ${summary.seed}: ${summary.arms.join(", ")}\n`);
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
  if ("fault" in entry) return pc.red(`cannot be run: ${entry.fault}`);
  const what =
    "sweep" in entry
      ? `sweep of ${entry.trials} trials`
      : `${entry.task}, ${entry.clients} clients`;
  return entry.claim === "" ? what : `${what}\n    ${entry.claim.trim()}`;
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

/** `fedclair report`: writes a run's report anew. */
export async function report(folder: string): Promise<void> {
  const file = join(folder, "trial.yaml");
  const text = await readFile(file, "utf8").catch(() => {
    throw new UserError(`'${folder}' is no run folder: it has no trial.yaml`);
  });
  const trial = parseTrial(text, file, plugins);
  await writeReport(folder, await describeTrial(trial, plugins));
  process.stdout.write(join(folder, "report.html") + "\n");
}

/** `fedclair tasks`, `aggregators`, `attacks`: what there is, and its options. */
export function describePlugins(
  registry: ReadonlyMap<string, Plugin<unknown>>,
  json: boolean,
): void {
  const described = [...registry.values()].map(({ name, summary, schema }) => ({
    name,
    summary,
    options: z.toJSONSchema(schema, { io: "input" }).properties ?? {},
  }));
  if (json) {
    process.stdout.write(JSON.stringify(described) + "\n");
    return;
  }
  for (const { name, summary, options } of described) {
    process.stdout.write(`${pc.bold(name)}  ${summary}\n`);
    for (const [option, schema] of Object.entries(options)) {
      const { default: fallback, description = "" } = schema as {
        default?: unknown;
        description?: string;
      };
      const shown = fallback === undefined ? "" : ` [${JSON.stringify(fallback)}]`;
      process.stdout.write(`    ${option}${shown}  ${pc.dim(description)}\n`);
    }
  }
}

/** `fedclair schema`: the JSON Schema of trial files, for editors. */
export function schema(): void {
  process.stdout.write(
    JSON.stringify(
      z.toJSONSchema(trialSchema(plugins), { io: "input", target: "draft-7" }),
      null,
      2,
    ) + "\n",
  );
}
