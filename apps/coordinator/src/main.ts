import { backendChoices } from "@fedclair/compute";
import { listenForInterruption, runOptions, runProgram, setOption } from "@fedclair/runs/program";
import { Command, Option } from "commander";
import type { CoordinateOptions } from "./coordinate.js";

const program = new Command("fedclair coordinator")
  .description("Runs a trial on the client hosts that join it.")
  .argument("<trial>", "trial file")
  .option("--listen <host:port>", "where hosts can join; port 0 is any free one", "127.0.0.1:0")
  .addOption(
    new Option("--hosts <whose>", "the process that started this one starts them")
      .choices(["parent"])
      .hideHelp(),
  )
  .addOption(setOption())
  .addOption(
    new Option("--backend <name>", "TensorFlow.js backend of this process and of all hosts")
      .choices(backendChoices)
      .default("auto"),
  )
  .addOption(runOptions.name())
  .addOption(runOptions.out())
  .addOption(runOptions.again())
  .option("--resume", "go on with the run that lies in the folder, if there is one", false)
  .addOption(runOptions.checkpointEvery())
  .addOption(runOptions.keepCheckpoints())
  .option("--token-file <file>", "file with the join token; default: environment FEDCLAIR_TOKEN")
  .addOption(
    new Option(
      "--token-key <file>",
      "key by which hosts' own tokens are signed (fedclair token); then no other token is taken",
    ).conflicts("tokenFile"),
  )
  .option("--revoked <file>", "with --token-key: ids of tokens that are good no more, one a line")
  .option("--tls-cert <file>", "certificate (PEM) of this coordinator, for https")
  .option("--tls-key <file>", "private key (PEM) of --tls-cert")
  .option("--tls-client-ca <file>", "hosts must have a certificate of this authority (PEM)")
  .option("--insecure", "let other machines in without TLS", false)
  .addOption(runOptions.metrics())
  .option("--json", "print the summary as JSON", false)
  .option("--no-report", "leave out report.html and its figures")
  .action(async (file: string, options: CoordinateOptions) => {
    const { coordinate } = await import("./coordinate.js");
    await coordinate(file, options);
  });

listenForInterruption();
await runProgram(program);
