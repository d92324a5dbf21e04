import { pluginOption, print } from "@fedclair/runs/program";
import { Option, type Command } from "commander";
import type { ExportOptions } from "../export/export.js";
import { addApp, lazily } from "./options.js";

/** Adds the commands that show what trials and runs there are, and their results. */
export function addResultCommands(program: Command): void {
  program
    .command("list")
    .description("list trials and sweeps, and runs")
    .argument("[folder]", "folder with trial files or runs; default: trials and runs")
    .option("--json", "print JSON", false)
    .action(lazily(async () => (await import("../results/list.js")).list));

  program
    .command("show")
    .description("show the status and results of a run, a study or a sweep")
    .argument("<run>", "run folder")
    .addOption(pluginOption())
    .option("--json", "print JSON", false)
    .action(lazily(async () => (await import("../results/show.js")).show));

  program
    .command("compare")
    .description(
      "compare runs or studies: differences between their trials, and their measures side by side",
    )
    .argument("<runs...>", "run folders")
    .addOption(pluginOption())
    .option("--html <file>", "write a page with a figure to this new file")
    .option("--json", "print JSON", false)
    .action(lazily(async () => (await import("../results/compare.js")).printComparison));

  addApp(
    program,
    "view",
    "show runs, studies and sweeps in a browser, also while they are running",
  );

  program
    .command("report")
    .description("write the report of a run, a study or a sweep again")
    .argument("<run>", "run folder")
    .addOption(pluginOption())
    .action(lazily(async () => (await import("../results/report.js")).report));

  program
    .command("paper")
    .description(
      "write what a paper needs of a study or a sweep: tables, methods and figures for LaTeX, and an archive with hashes and RO-Crate metadata",
    )
    .argument("<sweep>", "folder of a finished study or sweep")
    .option("--out <folder>", "a new folder; default: the folder's name with -paper")
    .option("--author <name>", "author in the metadata of the archive")
    .option(
      "--organization <name>",
      "the author's organisation, which publishes the archive, as 'Name <https://address>'",
    )
    .option("--license <url>", "address of the archive's licence, such as that of CC BY 4.0")
    .action(lazily(async () => (await import("../results/paper.js")).paper));

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
      const { exportRun } = await import("../export/export.js");
      const written = await exportRun(folder, options);
      print(written.map((path) => `${path}\n`).join(""));
    });

  program
    .command("rm")
    .description("remove runs, studies and sweeps")
    .argument("<runs...>", "run folders")
    .action(lazily(async () => (await import("../results/remove.js")).remove));
}
