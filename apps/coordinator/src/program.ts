import { backendChoices } from "@fedclair/compute/choices";
import { runOptions, setOption } from "@fedclair/runs/program";
import { Command, Option } from "commander";
import type { CoordinateOptions } from "./coordinate.js";

/** The command line of `fedclair coordinator`. */
export const coordinatorProgram = new Command("fedclair coordinator")
  .description("Runs a trial on the client hosts that join it.")
  .argument("<trial>", "trial file")
  .option(
    "--listen <host:port>",
    "address for hosts to join; port 0 picks a free port",
    "127.0.0.1:0",
  )
  .addOption(
    new Option("--hosts <whose>", "parent: the parent process starts the hosts")
      .choices(["parent"])
      .hideHelp(),
  )
  .addOption(setOption())
  .addOption(
    new Option("--backend <name>", "TensorFlow.js backend of this process and all hosts")
      .choices(backendChoices)
      .default("auto"),
  )
  .addOption(runOptions.name())
  .addOption(runOptions.out())
  .addOption(runOptions.again())
  .option("--resume", "resume the run in the folder, if there is one", false)
  .addOption(runOptions.checkpointEvery())
  .addOption(runOptions.keepCheckpoints())
  .option(
    "--token-file <file>",
    "file with the join token; default: the environment variable FEDCLAIR_TOKEN",
  )
  .addOption(
    new Option(
      "--token-key <file>",
      "key that signs tokens of hosts (see fedclair token); other tokens are then rejected",
    ).conflicts("tokenFile"),
  )
  .option("--revoked <file>", "with --token-key: file with the ids of revoked tokens, one per line")
  .option("--tls-cert <file>", "certificate (PEM) of this coordinator; enables https")
  .option("--tls-key <file>", "private key (PEM) of --tls-cert")
  .option(
    "--tls-client-ca <file>",
    "require that hosts have a certificate from this authority (PEM)",
  )
  .option("--insecure", "allow other machines to join without TLS", false)
  .option(
    "--page <host:port>",
    "show the run as a live page at this address, with the same TLS; default: off",
  )
  .option("--page-token-file <file>", "file with the token that readers of the page need")
  .addOption(
    new Option(
      "--join-page [origin]",
      "serve a page at --listen on which browser tabs join; its address, if browsers open it by another name than --listen: https://fl.example.org:4000",
    ),
  )
  .addOption(runOptions.metrics())
  .option("--json", "print the summary as JSON", false)
  .option("--no-report", "do not write report.html and its figures")
  .action(async (file: string, options: CoordinateOptions) => {
    const { coordinate } = await import("./coordinate.js");
    await coordinate(file, options);
  });
