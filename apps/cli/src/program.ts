import { backendChoices } from "@fedclair/compute";
import {
  integerOption,
  pluginOption,
  print,
  runOptions,
  setOption,
  version,
} from "@fedclair/runs/program";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import type { AggregateArguments } from "./adapters/aggregate.js";
import type { AuditArguments } from "./adapters/audit.js";
import { describedKinds, type DescribedKind } from "./extend/described-kinds.js";
import type { DescribeOptions } from "./extend/describe.js";
import type { ExportOptions } from "./export/export.js";
import type { NewOptions } from "./new/new.js";
import type { CompareOptions } from "./results/compare-studies.js";
import type { ListOptions } from "./results/list.js";
import type { PowerArguments } from "./check/power.js";
import type { ResumeOptions } from "./run/resume.js";
import type { RunOptions } from "./run/run-options.js";
import { formatCompletion, shells } from "./commands/completion.js";
import { checkProcessCount, processCount } from "./processes/process-count.js";
import { seedArgs, seedsOption } from "./run/seed-args.js";
import { templates } from "./new/templates.js";
import type { SweepOptions } from "./sweep/sweep.js";
import { parseClients, parseRounds } from "./check/arguments.js";
import type { AttestOptions } from "./check/verify-run.js";
import type { ReplayArguments } from "./check/replay.js";
import type { ReplayRunOptions } from "./check/replay-without.js";
import type { WorkerOptions } from "./queue/worker.js";
import type { TokenOptions } from "./machines/token.js";
import type { VerifyOptions } from "./check/verify-trials.js";

/** A timer of Node.js holds 2³¹ − 1 ms; a longer time would end at once. */
const longestSeconds = 2_000_000;

const failStatuses = ["contaminated", "invalid", "undecided"] as const;
type FailStatus = (typeof failStatuses)[number];

function failOn(value: string, before: readonly FailStatus[]): readonly FailStatus[] {
  const status = failStatuses.find((one) => one === value);
  if (status !== undefined) return [...before, status];
  throw new InvalidArgumentError(`Allowed choices are ${failStatuses.join(", ")}.`);
}

// Each command imports its dependencies when it runs, so that --help is fast.
/** The command line of `fedclair`. */
export const program = new Command("fedclair")
  .version(version)
  .description(
    "Simulates federated learning with contaminated clients and reports which ones they are, with evidence.",
  );
const transport = () =>
  new Option(
    "--transport <kind>",
    "how clients are connected; memory: all in one process, without sockets",
  )
    .choices(["socket", "memory"])
    .default("socket");
const backend = () =>
  new Option("--backend <name>", "TensorFlow.js backend").choices(backendChoices).default("auto");
const seeds = () =>
  new Option(
    "--seeds <n or list>",
    "run the trial with several seeds: 10 for seed to seed + 9, or a list such as 1,2,5",
  ).argParser(seedsOption);
const jobs = () =>
  new Option(
    "--jobs <n>",
    "with several seeds: number of runs at a time, each in its own process; default: 1",
  ).argParser(processCount("--jobs"));
const hosts = () =>
  new Option("--hosts <n>", "number of client-host processes; default: one per core").argParser(
    processCount("--hosts"),
  );
/** Rejects an empty name, as of a shell variable that is not set. */
function interpreter(name: string): string {
  if (name.trim() !== "") return name;
  throw new InvalidArgumentError("expected the name or path of a Python interpreter.");
}

const python = () =>
  new Option(
    "--python <interpreter>",
    "Python for the external clients of a trial that names their code; default: that of the active virtual environment, or else python3",
  ).argParser(interpreter);

const device = () =>
  new Option(
    "--device <device>",
    "device that Python clients with a PyTorch model compute on; default: where their model is",
  ).choices(["cpu", "cuda", "auto"]);

program
  .command("new")
  .description("create an experiment in a new folder: a trial, plug-ins and their tests")
  .argument("<folder>", "the new folder; its name becomes the name of the trial")
  .addOption(
    new Option("--template <name>", "template to copy").choices(templates).default("own-method"),
  )
  .action(async (folder: string, options: NewOptions) => {
    const { newStudy } = await import("./new/new.js");
    print(await newStudy(folder, options));
  });

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
  .action(async (file: string, options: RunOptions) => {
    const { run } = await import("./run/run.js");
    await run(file, options);
  });

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
  .option("--json", "print the summary as JSON", false)
  .option("--no-report", "do not write report.html and its figures")
  .action(async (folder: string, options: ResumeOptions) => {
    const { resume } = await import("./run/resume.js");
    await resume(folder, options);
  });

program
  .command("replay")
  .description("run a run's trial again without some clients from a round on, and compare the two")
  .argument("<run>", "run folder")
  .option(
    "--without <clients>",
    "ids of clients that take no part, for example c03,c04",
    parseClients,
  )
  .addOption(
    new Option(
      "--most-suspicious <n>",
      "replay without each of the n clients with the highest scores over their thresholds, one at a time, and show their influence in the report",
    )
      .argParser(integerOption("--most-suspicious", 1))
      .conflicts(["without", "out"]),
  )
  .addOption(
    new Option("--from <round>", "the first round without them")
      .argParser(integerOption("--from", 1))
      .default(1),
  )
  .option("--out <folder>", "folder of the new run; default: <run>-without-<clients>")
  .addOption(hosts())
  .addOption(python())
  .addOption(transport())
  .option("--no-report", "do not write report.html and its figures")
  .action(async (folder: string, options: ReplayArguments) => {
    const { replay } = await import("./check/replay.js");
    await replay(folder, options);
  });

program
  .command("repair")
  .description(
    "run on without the flagged clients, from the round before they first had influence, and compare",
  )
  .argument("<run>", "run folder")
  .addOption(hosts())
  .addOption(python())
  .addOption(transport())
  .option("--no-report", "do not write report.html and its figures")
  .action(async (folder: string, options: ReplayRunOptions) => {
    const { repair } = await import("./check/repair.js");
    await repair(folder, options);
  });

program
  .command("attest")
  .description("run a random choice of a run's rounds again and compare their bytes")
  .argument("<run>", "run folder")
  .addOption(
    new Option("--rounds <number or share>", "rounds to compare, for example 12 or 5%")
      .argParser(parseRounds)
      .default({ share: 0.05 }, "5%"),
  )
  .addOption(
    new Option("--seed <n>", "seed of the draw; default: a new one").argParser(
      integerOption("--seed", 0),
    ),
  )
  .option("--json", "print JSON", false)
  .action(async (folder: string, options: AttestOptions) => {
    const { attest } = await import("./check/verify-run.js");
    await attest(folder, options);
  });

program
  .command("verify")
  .description("run trials with expected results and compare the measured values with them")
  .argument("<trial-or-folder...>", "trial files, or folders with trial files")
  .addOption(setOption())
  .addOption(
    new Option("--jobs <n>", "number of trials to run at a time; default: one per core").argParser(
      processCount("--jobs"),
    ),
  )
  .addOption(python())
  .action(async (paths: string[], options: VerifyOptions) => {
    const { verify } = await import("./check/verify-trials.js");
    await verify(paths, options);
  });

program
  .command("power")
  .description("run a trial without its attacks and tell which contaminated clients it would find")
  .argument("<trial>", "trial file whose aggregator is clair with rule evidence")
  .addOption(setOption())
  .addOption(seeds())
  .addOption(python())
  .addOption(device())
  .option("--json", "print the result as JSON", false)
  .action(async (file: string, options: PowerArguments) => {
    const { printPower } = await import("./check/power.js");
    await printPower(file, options);
  });

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
      "submit the sweep as a Slurm job array with --jobs tasks, and exit",
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
  .addOption(python())
  .addOption(device())
  .option("--json", "print the tables as JSON", false)
  .action(async (file: string, options: SweepOptions & { readonly seeds?: string }) => {
    // Tasks of a job array run on other machines.
    if (!options.slurm) checkProcessCount("--jobs", options.jobs);
    const { sweep } = await import("./sweep/sweep.js");
    await sweep(file, { ...options, set: [...options.set, ...seedArgs(options.seeds)] });
  });

program
  .command("worker")
  .description("run queued trials of sweeps, on any machine that can access their folders")
  .option(
    "--queue <url>",
    "address of the queue, redis://host:port/db; default: the environment variable FEDCLAIR_QUEUE",
  )
  .option("--root <folder>", "accept only sweeps whose folders are inside this one", ".")
  .addOption(
    new Option("--jobs <n>", "number of trials to run at a time, each in its own process")
      .argParser(processCount("--jobs"))
      .default(1),
  )
  .addOption(pluginOption())
  .option(
    "--python <interpreter>",
    "run the Python code that sweeps name for external clients, with this interpreter; default: reject it",
    interpreter,
  )
  .addOption(device())
  .action(async (options: WorkerOptions) => {
    const { work } = await import("./queue/worker.js");
    await work(options);
  });

program
  .command("list")
  .description("list trials and sweeps, and the runs in ./runs")
  .argument("[folder]", "folder with trial files; default: trials, if it exists")
  .option("--claims", "show the claims of trials and sweeps", false)
  .option("--json", "print JSON", false)
  .action(async (folder: string | undefined, options: ListOptions) => {
    const { list } = await import("./results/list.js");
    await list(folder, options);
  });

program
  .command("show")
  .description("show the status and results of a run, a study or a sweep")
  .argument("<run>", "run folder")
  .addOption(pluginOption())
  .option("--json", "print JSON", false)
  .action(async (folder: string, options: { plugins: readonly string[]; json: boolean }) => {
    const { show } = await import("./results/show.js");
    await show(folder, options);
  });

program
  .command("compare")
  .description(
    "compare runs or studies: differences between their trials, and their measures side by side",
  )
  .argument("<runs...>", "run folders")
  .addOption(pluginOption())
  .option("--html <file>", "write a page with a figure to this new file")
  .option("--json", "print JSON", false)
  .action(async (folders: string[], options: CompareOptions) => {
    const { compareRuns } = await import("./results/compare.js");
    await compareRuns(folders, options);
  });

program
  .command("rm")
  .description("remove runs, studies and sweeps")
  .argument("<runs...>", "run folders")
  .action(async (folders: string[]) => {
    const { remove } = await import("./results/show.js");
    await remove(folders);
  });

program
  .command("report")
  .description("write the report of a run, a study or a sweep again")
  .argument("<run>", "run folder")
  .addOption(pluginOption())
  .action(async (folder: string, { plugins }: { plugins: readonly string[] }) => {
    const { report } = await import("./results/report.js");
    await report(folder, plugins);
  });

program
  .command("export")
  .description("export a run, a study or a sweep for other programs, also while it is running")
  .argument("<run>", "run folder")
  .addOption(
    new Option(
      "--to <format>",
      "csv and parquet: tables; tensorboard: event files; json: one line per round; mlflow: a tracking server",
    )
      .choices(["csv", "parquet", "tensorboard", "json", "mlflow"])
      .makeOptionMandatory(),
  )
  .option("--out <path>", "a new folder; with json, a new file")
  .option("--url <url>", "tracking server for mlflow, for example http://127.0.0.1:5000")
  .action(async (folder: string, options: ExportOptions) => {
    const { exportRun } = await import("./export/export.js");
    const written = await exportRun(folder, options);
    print(written.map((path) => `${path}\n`).join(""));
  });

program
  .command("audit")
  .description("report which of a set of LoRA adapters (PEFT folders) are contaminated")
  .argument("<adapters...>", "adapter folders, or folders that contain them")
  .option(
    "--set <option=value>",
    "set an option of clair (see fedclair plugins aggregators); may be repeated",
    (value: string, before: readonly string[]) => [...before, value],
    [],
  )
  .option("--refine <folder>", "write refined versions of the benign adapters, in the same format")
  .option(
    "--evaluate <command>",
    "with --refine: write the version with the lowest loss; the shell command prints the loss of the adapter in the folder {adapter}",
  )
  .addOption(
    new Option("--evaluate-timeout <seconds>", "how long this command may take for one adapter")
      .argParser(integerOption("--evaluate-timeout", 1, longestSeconds))
      .default(600),
  )
  .addOption(
    new Option("--evaluate-jobs <n>", "number of these commands to run at a time")
      .argParser(processCount("--evaluate-jobs"))
      .default(1),
  )
  .option("--html <file>", "write a self-contained report page to this new file")
  .option(
    "--bank <file>",
    "take the thresholds from this bank (see fedclair calibrate); default: the one that is shipped",
  )
  .option(
    "--require <kinds>",
    "call an adapter benign only if attackers of these kinds would have been found, for example boosted,flipped",
  )
  .option(
    "--fail-on <status>",
    "exit with code 4 if an adapter has this status: contaminated, invalid or undecided; may be repeated",
    failOn,
    [],
  )
  .option("--json", "print JSON", false)
  .action(async (paths: string[], options: AuditArguments) => {
    const { printAudit } = await import("./adapters/audit.js");
    await printAudit(paths, options);
  });

program
  .command("calibrate")
  .description("make a bank of thresholds for audits from piles of adapters that you trust")
  .argument("<folders...>", "folders of adapters, one pile each; none may be contaminated")
  .option(
    "--set <option=value>",
    "set an option of clair; may be repeated",
    (value: string, before: readonly string[]) => [...before, value],
    [],
  )
  .requiredOption("--out <file>", "new file for the bank")
  .action(async (folders: string[], options: { out: string; set: readonly string[] }) => {
    const { writeBank } = await import("./adapters/calibrate.js");
    await writeBank(folders, options);
  });

program
  .command("aggregate")
  .description(
    "run the server step of one round: aggregate the clients' LoRA adapters (PEFT folders)",
  )
  .argument("<round>", "folder with one subfolder per client, named after the client")
  .requiredOption(
    "--aggregator <name>",
    "name of the aggregator (see fedclair plugins aggregators)",
  )
  .option(
    "--set <option=value>",
    "set an option of the aggregator; may be repeated",
    (value: string, before: readonly string[]) => [...before, value],
    [],
  )
  .requiredOption("--out <folder>", "new folder for the new adapters and verdicts.json")
  .option("--state <folder>", "folder with the state between rounds; created in the first round")
  .option(
    "--examples <file>",
    "JSON or YAML file with the number of examples of each client; default: 1 each",
  )
  .addOption(
    new Option("--rank <n>", "rank of the new adapters; default: the clients' own ranks").argParser(
      integerOption("--rank", 1),
    ),
  )
  .option(
    "--merged",
    "adapters are merged into the base after every round and start at zero again",
    false,
  )
  .addOption(
    new Option("--seed <n>", "seed for the aggregator's random numbers")
      .argParser(integerOption("--seed", 0))
      .default(1),
  )
  .addOption(pluginOption())
  .option("--json", "print verdicts.json", false)
  .action(async (folder: string, options: AggregateArguments) => {
    const { printRound } = await import("./adapters/aggregate.js");
    await printRound(folder, options);
  });

program
  .command("service", { hidden: true })
  .description("answer requests of the Python package until stdin ends")
  .action(async () => {
    const { serve } = await import("./service/service.js");
    await serve();
  });

program
  .command("plugins")
  .description("describe the tasks, aggregators, attacks and mods that a trial file can use")
  .addArgument(new Argument("[kind]", "one kind of plug-in; default: all").choices(describedKinds))
  .addOption(pluginOption())
  .option("--json", "print JSON", false)
  .action(async (kind: DescribedKind | undefined, options: DescribeOptions) => {
    const { describePlugins } = await import("./extend/describe.js");
    await describePlugins(kind, options);
  });

program
  .command("schema")
  .description("print the JSON Schema of trial files")
  .addOption(pluginOption())
  .action(async ({ plugins }: { plugins: readonly string[] }) => {
    const { printSchema } = await import("./extend/describe.js");
    await printSchema(plugins);
  });

program
  .command("token")
  .description("create a token that allows one host to join a coordinator, or a key to sign tokens")
  .option("--new-key <file>", "write a new key, to use with --key and coordinator --token-key")
  .option("--key <file>", "print a token signed with this key")
  .option("--host <name>", "name of the host; only one host at a time can join with it")
  .option(
    "--clients <range>",
    "clients that the host may be assigned, for example c00-c14; default: any",
  )
  .option("--expires <time>", "how long the token is valid, for example 30m, 8h or 7d", "8h")
  .option("--show <token>", "print the content of a token; needs no key")
  .action(async (options: TokenOptions) => {
    const { token } = await import("./machines/token.js");
    await token(options);
  });

program
  .command("completion")
  .description("print a script that completes commands and options in a shell")
  .addArgument(new Argument("<shell>", "the shell").choices(shells))
  .addHelpText("after", "\nFor example: fedclair completion bash >> ~/.bashrc")
  .action((shell: (typeof shells)[number]) => {
    print(formatCompletion(program, shell));
  });

for (const [app, description] of [
  ["coordinator", "run a trial on the client hosts that join it, also from other machines"],
  ["client", "run a client host: join a coordinator and train its virtual clients"],
  ["view", "show runs, studies and sweeps in a browser, also while they are running"],
] as const) {
  program
    .command(app)
    .description(description)
    .helpOption(false)
    .allowUnknownOption()
    .argument("[arguments...]")
    .action(async (args: string[]) => {
      const { startApp } = await import("./machines/start-app.js");
      await startApp(app, args);
    });
}
