import { pluginOption } from "@fedclair/runs/program";
import { Option, type Command } from "commander";
import { processCount } from "../processes/process-count.js";
import { addApp, device, interpreter, lazily } from "./options.js";

/** Adds the commands for trials and sweeps that run on several machines. */
export function addMachineCommands(program: Command): void {
  addApp(
    program,
    "coordinator",
    "run a trial on the client hosts that join it, also from other machines",
  );
  addApp(program, "client", "run a client host: join a coordinator and train its virtual clients");

  program
    .command("token")
    .description(
      "create a token that allows one host to join a coordinator, or a key to sign tokens",
    )
    .option("--new-key <file>", "write a new key, to use with --key and coordinator --token-key")
    .option("--key <file>", "print a token signed with this key")
    .option("--host <name>", "name of the host; only one host at a time can join with it")
    .option(
      "--clients <range>",
      "clients that the host may be assigned, for example c00-c14; default: any",
    )
    .option("--expires <time>", "how long the token is valid, for example 30m, 8h or 7d", "8h")
    .option("--show <token>", "print the content of a token; needs no key")
    .action(lazily(async () => (await import("../machines/token.js")).token));

  program
    .command("worker")
    .description("run queued trials of sweeps, on any machine that reaches the queue")
    .option(
      "--queue <url>",
      "address of the queue, redis://host:port/db; default: the environment variable FEDCLAIR_QUEUE",
    )
    .option(
      "--root <folder>",
      "folder for runs until they have arrived at their sweep; default: the temporary folder of the system",
    )
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
    .action(lazily(async () => (await import("../queue/worker.js")).work));
}
