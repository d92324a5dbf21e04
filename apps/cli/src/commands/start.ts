import { pluginOption, print } from "@fedclair/runs/program";
import { Argument, Option, type Command } from "commander";
import type { Shell } from "./completion.js";
import { describedKinds } from "../extend/described-kinds.js";
import type { NewOptions } from "../new/new.js";
import { templates } from "../new/templates.js";
import { lazily } from "./options.js";

/** Adds the commands with which an experiment begins. */
export function addStartCommands(program: Command): void {
  program
    .command("new")
    .description("create an experiment in a new folder: a trial, plug-ins and their tests")
    .argument("<folder>", "the new folder; its name becomes the name of the trial")
    .addOption(
      new Option("--template <name>", "template to copy").choices(templates).default("own-method"),
    )
    .action(async (folder: string, options: NewOptions) => {
      const { newStudy } = await import("../new/new.js");
      print(await newStudy(folder, options));
    });

  program
    .command("plugins")
    .description(
      "describe the tasks, aggregators, attacks, mods and personal methods that a trial file can use",
    )
    .addArgument(
      new Argument("[kind]", "one kind of plug-in; default: all").choices(describedKinds),
    )
    .addOption(pluginOption())
    .option("--json", "print JSON", false)
    .addOption(
      new Option("--schema", "print the JSON Schema of trial files instead, for editors")
        .default(false)
        .conflicts("json"),
    )
    .action(lazily(async () => (await import("../extend/describe.js")).describePlugins));
}

/** Adds the commands that help where fedclair is called from: a shell, or the Python package. */
export function addHelpCommands(program: Command): void {
  program
    .command("completion")
    .description("print a script that completes commands and options in a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(["bash", "zsh", "fish"]))
    .addHelpText("after", "\nFor example: fedclair completion bash >> ~/.bashrc")
    .action(async (shell: Shell) => {
      const { formatCompletion } = await import("./completion.js");
      print(formatCompletion(program, shell));
    });

  program
    .command("service", { hidden: true })
    .description("answer requests of the Python package until stdin ends")
    .action(lazily(async () => (await import("../service/service.js")).serve));
}
