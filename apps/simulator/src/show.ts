import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseTrial, trialSchema, UserError, type Plugin } from "@fedclair/core";
import { reportOptions, readTrialFile, writeReport, type Summary } from "@fedclair/trials";
import pc from "picocolors";
import { z } from "zod";
import { plugins } from "./plugins.js";
import { trialFiles } from "./verify.js";

/** `fedclair list`: the trial files under a folder, with their claims, and the runs that lie in `runs`. */
export async function list(folder: string, json: boolean): Promise<void> {
  const trials = await Promise.all(
    (await trialFiles(folder)).map(async (file) => {
      const { task, clients, claim } = parseTrial(await readTrialFile(file), file, plugins);
      return { file, task: task.name, clients, claim: claim ?? "" };
    }),
  );
  const runs = await finishedRuns("runs");
  if (json) {
    process.stdout.write(JSON.stringify({ trials, runs }) + "\n");
    return;
  }
  for (const { file, task, clients, claim } of trials) {
    process.stdout.write(`${pc.bold(file)}  ${task}, ${clients} clients\n    ${claim.trim()}\n`);
  }
  for (const { folder: run, summary } of runs) {
    process.stdout.write(`${pc.bold(run)}  seed ${summary.seed}: ${summary.arms.join(", ")}\n`);
  }
}

async function finishedRuns(root: string): Promise<{ folder: string; summary: Summary }[]> {
  const names = await readdir(root).catch(() => []);
  const runs = await Promise.all(
    names.sort().map(async (name) => {
      const folder = join(root, name);
      const text = await readFile(join(folder, "summary.json"), "utf8").catch(() => undefined);
      return text === undefined ? [] : [{ folder, summary: JSON.parse(text) as Summary }];
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
  await writeReport(folder, await reportOptions(trial, plugins));
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
