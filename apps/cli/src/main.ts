import { backendChoices } from "@fedclair/compute";
import {
  integerOption,
  listenForInterruption,
  pluginOption,
  print,
  runOptions,
  runProgram,
  setOption,
  version,
} from "@fedclair/runs/program";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import type { AggregateOptions } from "./aggregate/aggregate.js";
import type { AuditOptions } from "./audit/audit.js";
import { describedKinds, type DescribedKind } from "./described-kinds.js";
import type { DescribeOptions } from "./describe.js";
import type { ExportOptions } from "./export/export.js";
import type { NewOptions } from "./new.js";
import type { CompareOptions } from "./compare.js";
import type { ListOptions } from "./list.js";
import type { ResumeOptions } from "./resume.js";
import type { RunOptions } from "./run-options.js";
import { templates } from "./templates.js";
import type { SweepOptions } from "./sweep.js";
import type { WorkerOptions } from "./queue/worker.js";
import type { TokenOptions } from "./token.js";
import type { VerifyOptions } from "./verify.js";

const failStatuses = ["contaminated", "invalid", "undecided"] as const;
type FailStatus = (typeof failStatuses)[number];

function failOn(value: string, before: readonly FailStatus[]): readonly FailStatus[] {
  const status = failStatuses.find((one) => one === value);
  if (status !== undefined) return [...before, status];
  throw new InvalidArgumentError(`Allowed choices are ${failStatuses.join(", ")}.`);
}

// What a command needs is imported when it runs: help is there at once.
const program = new Command("fedclair")
  .version(version)
  .description(
    "Federated-learning trials: many clients, some contaminated, and an answer with evidence.",
  );
const transport = () =>
  new Option("--transport <kind>", "memory: everything in this process, no sockets")
    .choices(["socket", "memory"])
    .default("socket");
const backend = () =>
  new Option("--backend <name>", "TensorFlow.js backend").choices(backendChoices).default("auto");
const hosts = () =>
  new Option("--hosts <n>", "client-host processes; default: one a core").argParser(
    integerOption("--hosts", 1),
  );

program
  .command("new")
  .description("write a study of your own into a new folder: a trial, plug-ins, and their tests")
  .argument("<folder>", "the new folder, whose name the study takes")
  .addOption(
    new Option("--template <name>", "what it is like").choices(templates).default("own-method"),
  )
  .action(async (folder: string, options: NewOptions) => {
    const { newStudy } = await import("./new.js");
    print(await newStudy(folder, options));
  });

program
  .command("run")
  .description("run a trial with all its clients on this machine")
  .argument("<trial>", "trial file")
  .addOption(setOption())
  .addOption(hosts())
  .addOption(transport())
  .addOption(backend())
  .addOption(runOptions.name())
  .addOption(runOptions.out())
  .addOption(runOptions.again())
  .addOption(runOptions.checkpointEvery())
  .addOption(runOptions.keepCheckpoints())
  .addOption(runOptions.metrics())
  .option("--json", "print the summary as JSON", false)
  .option("--no-report", "leave out report.html and its figures")
  .action(async (file: string, options: RunOptions) => {
    const { run } = await import("./run.js");
    await run(file, options);
  });

program
  .command("resume")
  .description("go on with a run that was interrupted, or that failed")
  .argument("<run>", "run folder")
  .addOption(hosts())
  .addOption(transport())
  .addOption(backend())
  .addOption(runOptions.checkpointEvery())
  .addOption(runOptions.keepCheckpoints())
  .addOption(runOptions.metrics())
  .option("--json", "print the summary as JSON", false)
  .option("--no-report", "leave out report.html and its figures")
  .action(async (folder: string, options: ResumeOptions) => {
    const { resume } = await import("./resume.js");
    await resume(folder, options);
  });

program
  .command("verify")
  .description("run trials that carry a claim, and compare what they measure with what they expect")
  .argument("<trial-or-folder...>")
  .addOption(setOption())
  .addOption(
    new Option("--jobs <n>", "trials that run at a time; default: one a core").argParser(
      integerOption("--jobs", 1),
    ),
  )
  .action(async (paths: string[], options: VerifyOptions) => {
    const { verify } = await import("./verify.js");
    await verify(paths, options);
  });

program
  .command("sweep")
  .description("run a grid of trials, those left out that are done, and compare them")
  .argument(
    "<sweep>",
    "a trial file in which any value may be a list of values, and a section sweep",
  )
  .addOption(setOption())
  .option("--out <folder>", "folder of all its runs; default: runs/<name>")
  .addOption(
    new Option("--jobs <n>", "trials that run at a time, each in a process of its own")
      .argParser(integerOption("--jobs", 1))
      .default(1),
  )
  .addOption(
    new Option(
      "--queue [url]",
      "let workers run the trials, by way of a Valkey or Redis: redis://host:port/db; default: environment FEDCLAIR_QUEUE",
    ).conflicts("jobs"),
  )
  .addOption(
    new Option(
      "--slurm",
      "submit the sweep as an array of jobs of Slurm, with --jobs tasks, and end",
    ).conflicts("queue"),
  )
  .addOption(
    new Option(
      "--slurm-options <options>",
      'options of sbatch, as "--partition=long --time=2:00:00"',
    ).implies({ slurm: true }),
  )
  .addOption(
    new Option(
      "--slurm-dry-run",
      "write the job script, print its path, and submit nothing",
    ).implies({ slurm: true }),
  )
  .option("--json", "print the tables as JSON", false)
  .action(async (file: string, options: SweepOptions) => {
    const { sweep } = await import("./sweep.js");
    await sweep(file, options);
  });

program
  .command("worker")
  .description("run trials that sweeps have queued, on any machine that sees their folders")
  .option(
    "--queue <url>",
    "where they are queued, as redis://host:port/db; default: environment FEDCLAIR_QUEUE",
  )
  .option("--root <folder>", "work on sweeps whose folders lie in this one alone", ".")
  .addOption(
    new Option("--jobs <n>", "trials that run at a time, each in a process of its own")
      .argParser(integerOption("--jobs", 1))
      .default(1),
  )
  .addOption(pluginOption())
  .action(async (options: WorkerOptions) => {
    const { work } = await import("./queue/worker.js");
    await work(options);
  });

program
  .command("list")
  .description("list trials, sweeps, and the runs in ./runs")
  .argument("[folder]", "where the trial files are; default: trials, if there is one")
  .option("--claims", "with what trials and sweeps are said to show", false)
  .option("--json", "print JSON", false)
  .action(async (folder: string | undefined, options: ListOptions) => {
    const { list } = await import("./list.js");
    await list(folder, options);
  });

program
  .command("show")
  .description("show how a run stands and what it showed")
  .argument("<run>", "run folder")
  .addOption(pluginOption())
  .option("--json", "print JSON", false)
  .action(async (folder: string, options: { plugins: readonly string[]; json: boolean }) => {
    const { show } = await import("./show.js");
    await show(folder, options);
  });

program
  .command("compare")
  .description("set runs side by side: what differs in their trials, and what they measured")
  .argument("<runs...>", "run folders")
  .addOption(pluginOption())
  .option("--html <file>", "write a page with a figure; a new file")
  .option("--json", "print JSON", false)
  .action(async (folders: string[], options: CompareOptions) => {
    const { compareRuns } = await import("./compare.js");
    await compareRuns(folders, options);
  });

program
  .command("rm")
  .description("remove runs")
  .argument("<runs...>", "run folders")
  .action(async (folders: string[]) => {
    const { remove } = await import("./show.js");
    await remove(folders);
  });

program
  .command("report")
  .description("write the report of a run anew")
  .argument("<run>", "run folder")
  .addOption(pluginOption())
  .action(async (folder: string, { plugins }: { plugins: readonly string[] }) => {
    const { report } = await import("./report.js");
    await report(folder, plugins);
  });

program
  .command("export")
  .description("write a run in a form that other programs read, also of one that is under way")
  .argument("<run>", "run folder")
  .addOption(
    new Option("--to <format>", "tables, event files, a line of JSON a round, or a tracking server")
      .choices(["csv", "parquet", "tensorboard", "json", "mlflow"])
      .makeOptionMandatory(),
  )
  .option("--out <path>", "a new folder; of json a new file")
  .option("--url <url>", "the tracking server of mlflow, as http://127.0.0.1:5000")
  .action(async (folder: string, options: ExportOptions) => {
    const { exportRun } = await import("./export/export.js");
    const written = await exportRun(folder, options);
    print(written.map((path) => `${path}\n`).join(""));
  });

program
  .command("audit")
  .description("say which of a pile of LoRA adapters (PEFT folders) are contaminated")
  .argument("<adapters...>", "adapter folders, or folders of them")
  .option(
    "--set <option=value>",
    "change an option of clair (see fedclair plugins aggregators); may be repeated",
    (value: string, before: readonly string[]) => [...before, value],
    [],
  )
  .option("--refine <folder>", "write refined adapters of the benign ones, in the same format")
  .option("--html <file>", "write a report, one page that needs nothing beside itself; a new file")
  .option(
    "--fail-on <status>",
    "exit with 4 if an adapter is contaminated, invalid or undecided; may be repeated",
    failOn,
    [],
  )
  .option("--json", "print JSON", false)
  .action(async (paths: string[], options: AuditOptions) => {
    const { audit } = await import("./audit/audit.js");
    await audit(paths, options);
  });

program
  .command("aggregate")
  .description("one round's server step: aggregate the clients' LoRA adapters (PEFT folders)")
  .argument("<round>", "folder with a folder a client, which is the client's name")
  .requiredOption("--aggregator <name>", "see fedclair plugins aggregators")
  .option(
    "--set <option=value>",
    "change an option of the aggregator; may be repeated",
    (value: string, before: readonly string[]) => [...before, value],
    [],
  )
  .requiredOption(
    "--out <folder>",
    "where to write the new adapters and verdicts.json; a new folder",
  )
  .option("--state <folder>", "what is remembered from round to round; made in the first")
  .option("--examples <file>", "numbers of examples by client, as JSON or YAML; default: 1 each")
  .addOption(
    new Option("--rank <n>", "of the new adapters; default: the clients' own").argParser(
      integerOption("--rank", 1),
    ),
  )
  .option(
    "--merged",
    "adapters are merged into the base after every round, and begin at zero",
    false,
  )
  .addOption(
    new Option("--seed <n>", "of what the aggregator draws")
      .argParser(integerOption("--seed", 0))
      .default(1),
  )
  .addOption(pluginOption())
  .option("--json", "print verdicts.json", false)
  .action(async (folder: string, options: AggregateOptions) => {
    const { aggregate } = await import("./aggregate/aggregate.js");
    await aggregate(folder, options);
  });

program
  .command("plugins")
  .description("describe the tasks, aggregators, attacks and mods that a trial file can name")
  .addArgument(new Argument("[kind]", "one kind; default: all of them").choices(describedKinds))
  .addOption(pluginOption())
  .option("--json", "print JSON", false)
  .action(async (kind: DescribedKind | undefined, options: DescribeOptions) => {
    const { describePlugins } = await import("./describe.js");
    await describePlugins(kind, options);
  });

program
  .command("schema")
  .description("print the JSON Schema of trial files")
  .addOption(pluginOption())
  .action(async ({ plugins }: { plugins: readonly string[] }) => {
    const { printSchema } = await import("./describe.js");
    await printSchema(plugins);
  });

program
  .command("token")
  .description("make a token by which one host may join a coordinator, or the key of such tokens")
  .option("--new-key <file>", "write a new key, for --key and for coordinator --token-key")
  .option("--key <file>", "sign a token with this key, and print it")
  .option("--host <name>", "whose token it is: one host at a time has that name")
  .option("--clients <range>", "clients that the host may be given, as c00-c14; default: any")
  .option("--expires <time>", "how long the host may join, as 30m, 8h or 7d", "8h")
  .option("--show <token>", "print what a token says; takes no key")
  .action(async (options: TokenOptions) => {
    const { token } = await import("./token.js");
    await token(options);
  });

for (const [app, description] of [
  ["coordinator", "run a trial on client hosts that join, also from other machines"],
  ["client", "a client host: join a coordinator and train for its virtual clients"],
] as const) {
  program
    .command(app)
    .description(description)
    .helpOption(false)
    .allowUnknownOption()
    .argument("[arguments...]")
    .action(async (args: string[]) => {
      const { startApp } = await import("./start-app.js");
      await startApp(app, args);
    });
}

listenForInterruption();
await runProgram(program);
