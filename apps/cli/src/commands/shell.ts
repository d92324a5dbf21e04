import { print } from "@fedclair/runs/program";
import { Argument, type Command } from "commander";
import { formatCompletion, shells } from "./completion.js";

/** Adds the commands for the shell that fedclair runs in, and for the Python package. */
export function addShellCommands(program: Command): void {
  program
    .command("completion")
    .description("print a script that completes commands and options in a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(shells))
    .addHelpText("after", "\nFor example: fedclair completion bash >> ~/.bashrc")
    .action((shell: (typeof shells)[number]) => {
      print(formatCompletion(program, shell));
    });

  program
    .command("service", { hidden: true })
    .description("answer requests of the Python package until stdin ends")
    .action(async () => {
      const { serve } = await import("../service/service.js");
      await serve();
    });
}
