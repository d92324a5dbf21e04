import { pluginOption } from "@fedclair/runs/program";
import { Command, Option } from "commander";
import type { ViewOptions } from "./view.js";

/** The command line of `fedclair view`. */
export const viewProgram = new Command("fedclair view")
  .description("Shows runs, studies and sweeps in a browser, also while they are running.")
  .argument("[folder]", "a run, a study, a sweep, or a folder with several of them", "runs")
  .option("--listen <host:port>", "address of the page; port 0 picks a free port", "127.0.0.1:0")
  .option("--no-open", "print the address without opening a browser")
  .option("--token-file <file>", "file with a token that readers need; required for other machines")
  .option(
    "--replay-token-file <file>",
    "file with a token that starts replays from the page; default: nothing can be started",
  )
  .option("--tls-cert <file>", "certificate (PEM) of the page; enables https")
  .option("--tls-key <file>", "private key (PEM) of --tls-cert")
  .option("--insecure", "allow other machines to read the page without TLS", false)
  .addOption(
    new Option("--parent", "end when the parent process lets go of this one")
      .default(false)
      .hideHelp(),
  )
  .addOption(new Option("--program <module>", "the command that starts this one").hideHelp())
  .addOption(pluginOption())
  .action(async (folder: string, options: ViewOptions) => {
    const { view } = await import("./view.js");
    await view(folder, options);
  });
