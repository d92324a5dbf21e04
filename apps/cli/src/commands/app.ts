import type { Command } from "commander";
import type { App } from "../processes/host-processes.js";

/** Adds a command that starts an app of its own, which reads all arguments, also `--help`. */
export function addApp(program: Command, app: App, description: string): void {
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
