import { integerOption, runOptions, setOption } from "@fedclair/runs/program";
import { Option, type Command } from "commander";
import { checkProcessCount } from "../processes/process-count.js";
import { parseShare, type SweepOptions } from "../sweep/sweep-options.js";
import {
  allowPlugin,
  backend,
  device,
  hosts,
  jobs,
  lazily,
  python,
  seeds,
  transport,
  trust,
} from "./options.js";

/** Adds the commands that run trials on this machine, or hand them to a queue or to Slurm. */
export function addRunCommands(program: Command): void {
  addRun(program);
  addSweep(program);
  addResume(program);
}

function addRun(program: Command): void {
  program
    .command("run")
    .description("run a trial with all its clients on this machine, with one seed or several")
    .argument("<trial>", "trial file")
    .addOption(setOption())
    .addOption(seeds())
    .addOption(jobs())
    .addOption(hosts())
    .addOption(python())
    .addOption(device())
    .addOption(
      new Option("--external <whose>", "parent: the parent process runs the external clients")
        .choices(["parent"])
        .hideHelp(),
    )
    .addOption(transport())
    .addOption(backend())
    .addOption(runOptions.name())
    .addOption(runOptions.out())
    .addOption(runOptions.again())
    .addOption(runOptions.checkpointEvery())
    .addOption(runOptions.keepCheckpoints())
    .addOption(runOptions.metrics())
    .option(
      "--open [host:port]",
      "show the run in a browser until Ctrl-C; default address: a free port of 127.0.0.1",
    )
    .option("--json", "print the summary as JSON", false)
    .option("--no-report", "do not write report.html and its figures")
    .action(lazily(async () => (await import("../run/run.js")).run));
}

function addSweep(program: Command): void {
  program
    .command("sweep")
    .description("run a grid of trials, skipping finished ones, and compare the results")
    .argument("<sweep>", "sweep file: a trial file with lists of values and a section sweep")
    .addOption(setOption())
    .addOption(seeds())
    .option("--out <folder>", "folder for all runs of the sweep; default: runs/<name>")
    .addOption(
      new Option("--jobs <n>", "number of trials to run at a time, each in its own process")
        .argParser(integerOption("--jobs", 1))
        .default(1),
    )
    .addOption(
      new Option(
        "--queue [url]",
        "queue the trials in Valkey or Redis for workers: redis://host:port/db; default: the environment variable FEDCLAIR_QUEUE",
      ).conflicts("jobs"),
    )
    .addOption(
      new Option(
        "--slurm",
        "submit the sweep as a Slurm job array that runs --jobs trials at a time, and exit",
      ).conflicts("queue"),
    )
    .addOption(
      new Option(
        "--slurm-options <options>",
        'options for sbatch, for example "--partition=long --time=2:00:00"',
      ).implies({ slurm: true }),
    )
    .addOption(
      new Option(
        "--slurm-dry-run",
        "write the job script and print its path without submitting it",
      ).implies({ slurm: true }),
    )
    .addOption(
      new Option(
        "--share <i/n>",
        "run only every n-th trial from the i-th, counted from 0: task i of n that Slurm or Kubernetes starts",
      )
        .argParser(parseShare)
        .conflicts(["queue", "slurm"]),
    )
    .addOption(python())
    .addOption(device())
    .option("--json", "print the tables as JSON", false)
    .option("--no-report", "do not write report.html and its figures")
    .action(async (file: string, options: SweepOptions & { readonly seeds?: string }) => {
      // Tasks of a job array run on other machines.
      if (!options.slurm) checkProcessCount("--jobs", options.jobs);
      const [{ sweep }, { seedArgs }] = await Promise.all([
        import("../sweep/sweep.js"),
        import("../run/seed-args.js"),
      ]);
      await sweep(file, { ...options, set: [...options.set, ...seedArgs(options.seeds)] });
    });
}

function addResume(program: Command): void {
  program
    .command("resume")
    .description("resume a run, a study or a sweep that was interrupted or has failed")
    .argument("<run>", "run folder")
    .addOption(hosts())
    .addOption(python())
    .addOption(device())
    .addOption(jobs())
    .addOption(transport())
    .addOption(backend())
    .addOption(runOptions.checkpointEvery())
    .addOption(runOptions.keepCheckpoints())
    .addOption(runOptions.metrics())
    .addOption(allowPlugin())
    .addOption(trust())
    .option("--json", "print the summary as JSON", false)
    .option("--no-report", "do not write report.html and its figures")
    .action(lazily(async () => (await import("../run/resume.js")).resume));
}
