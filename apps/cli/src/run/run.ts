import { checkpointArgs } from "@fedclair/runs/program";
import { runFederation } from "../processes/federation.js";
import { RunPage } from "../processes/run-page.js";
import type { RunOptions } from "./run-options.js";
import { seedArgs } from "./seed-args.js";
import { setArgs } from "../processes/set-args.js";
import { hasSeveralSeeds, runStudy } from "./study.js";

/**
 * `fedclair run`: runs a trial with all its clients on this machine. With several seeds it runs the
 * trial once for each. The coordinator is a process of its own, with the same protocol as on many
 * machines, so that it can be ended by a second Ctrl-C; `run` of the API has it in the program's.
 */
export async function run(file: string, { seeds, ...given }: RunOptions): Promise<void> {
  const options = { ...given, set: [...given.set, ...seedArgs(seeds)] };
  if (hasSeveralSeeds(file, options.set)) {
    await runStudy(file, options);
    return;
  }
  const page = options.open === undefined ? undefined : new RunPage(options.open);
  try {
    await runOnce(file, options, (folder) => page?.show(folder));
    await page?.untilInterrupted();
  } finally {
    await page?.close();
  }
}

async function runOnce(
  file: string,
  options: RunOptions,
  onFolder: (folder: string) => void,
): Promise<void> {
  if (options.transport === "memory") {
    const { runInMemory } = await import("./run-in-memory.js");
    await runInMemory(file, options, onFolder);
    return;
  }
  process.exitCode = await runFederation({
    onFolder,
    ...(options.external !== undefined && { token: process.env["FEDCLAIR_TOKEN"] }),
    coordinatorArgs: coordinatorArgs(file, options),
    // Runs while the coordinator starts, which reports faults of the trial.
    hosts: async () => {
      const { readHosts } = await import("../processes/read-hosts.js");
      const hosts = readHosts(file, options);
      if (hosts?.python) {
        const { checkInterpreter } = await import("../processes/host-processes.js");
        await checkInterpreter(hosts.python.interpreter);
      }
      return hosts;
    },
  });
}

function coordinatorArgs(file: string, options: RunOptions): string[] {
  const { out, name, again = false, metrics, resume = false, json, report, backend } = options;
  return [
    file,
    ...(options.external === undefined ? ["--hosts", "parent"] : []),
    ...setArgs(options.set),
    ...(out === undefined ? [] : ["--out", out]),
    ...(name === undefined ? [] : ["--name", name]),
    ...(again ? ["--again"] : []),
    ...(json ? ["--json"] : []),
    ...(report ? [] : ["--no-report"]),
    ...(metrics === undefined ? [] : ["--metrics", metrics]),
    ...(resume ? ["--resume"] : []),
    ...["--backend", backend],
    ...checkpointArgs(options),
  ];
}
