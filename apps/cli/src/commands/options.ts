import { backendChoices } from "@fedclair/compute/choices";
import { pluginOption } from "@fedclair/runs/program";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { AppName } from "../processes/app-process.js";
import { processCount } from "../processes/process-count.js";

// What several commands have. A function creates each option, as commander keeps state in them.

export const transport = () =>
  new Option(
    "--transport <kind>",
    "how clients are connected; memory: all in one process, without sockets",
  )
    .choices(["socket", "memory"])
    .default("socket");

export const backend = () =>
  new Option("--backend <name>", "TensorFlow.js backend").choices(backendChoices).default("auto");

/**
 * Parses `--seeds`: a number of seeds such as `10`, or a list such as `1,2,5`.
 * @returns the value as YAML
 */
function parseSeeds(text: string): string {
  if (/^\d+$/.test(text)) return text;
  if (/^\d+(,\d+)*,?$/.test(text)) return `[${text}]`;
  throw new InvalidArgumentError("expected a number of seeds like 10, or a list like 1,2,5.");
}

export const seeds = () =>
  new Option(
    "--seeds <n or list>",
    "run the trial with several seeds: 10 for seed to seed + 9, or a list such as 1,2,5",
  ).argParser(parseSeeds);

/** Number of runs of a study at a time. */
export const jobs = () =>
  new Option(
    "--jobs <n>",
    "with several seeds: number of runs at a time, each in its own process; default: 1",
  ).argParser(processCount("--jobs"));

export const hosts = () =>
  new Option("--hosts <n>", "number of client-host processes; default: one per core").argParser(
    processCount("--hosts"),
  );

/** Rejects an empty name, as of a shell variable that is not set. */
export function interpreter(name: string): string {
  if (name.trim() !== "") return name;
  throw new InvalidArgumentError("expected the name or path of a Python interpreter.");
}

const pythonOption = (what: string) =>
  new Option(
    "--python <interpreter>",
    `Python for ${what}; default: that of the active virtual environment, or else python3`,
  ).argParser(interpreter);

export const python = () => pythonOption("the external clients of a trial that names their code");

export const readPython = () => pythonOption("--read");

export const device = () =>
  new Option(
    "--device <device>",
    "device that Python clients with a PyTorch model compute on; default: where their model is",
  ).choices(["cpu", "cuda", "auto"]);

/** Allows a module of plug-ins that a folder names and that the user has not run before. */
export const allowPlugin = () =>
  pluginOption("run this module, which the folder names and you have not run before");

export const trust = () =>
  new Option(
    "--trust",
    "run all code that the folder names, also what you have not run before",
  ).default(false);

/** Options of a plug-in outside of a trial file, as `--set rank=3`. */
export const pluginSetting = (description: string) =>
  new Option("--set <option=value>", `${description}; may be repeated`)
    .argParser((value: string, before: readonly string[]) => [...before, value])
    .default([]);

/**
 * Creates the action of a command: it calls a function, whose module is loaded when the command
 * runs, with the command's arguments and options.
 */
export function lazily(load: () => Promise<(...args: never[]) => Promise<void>>) {
  return async (...args: unknown[]): Promise<void> => {
    const act = await load();
    await act(...(args.slice(0, -1) as never[])); // the last one is the command itself
  };
}

/** Adds a command that starts an app of its own, which reads all arguments, also `--help`. */
export function addApp(program: Command, app: AppName, description: string): void {
  program
    .command(app)
    .description(description)
    .helpOption(false)
    .allowUnknownOption()
    .argument("[arguments...]")
    .action(async (args: string[]) => {
      const { startApp } = await import("../machines/start-app.js");
      await startApp(app, args);
    });
}
