import { once } from "node:events";
import { backendChoices } from "@fedclair/compute/choices";
import { UserError } from "@fedclair/core/errors";
import { integerOption, interruption, pluginOption } from "@fedclair/runs/program";
import { Command, Option } from "commander";
import type { HostOptions } from "./host.js";

const isAlone = process.argv[1]?.includes("fedclair-client") ?? false; // installed without the command fedclair
/** The command line of `fedclair client`. */
export const clientProgram = new Command(isAlone ? "fedclair-client" : "fedclair client")
  .description(
    "Runs a client host: joins a coordinator and trains the virtual clients that it is assigned.",
  )
  .requiredOption(
    "--coordinator <url>",
    "address of the coordinator, for example https://10.0.0.1:4000; parent: the parent process sends it",
  )
  .requiredOption(
    "--capacity <n>",
    "maximum number of virtual clients on this host",
    integerOption("--capacity", 1),
  )
  .addOption(
    new Option("--backend <name>", "TensorFlow.js backend; auto: the coordinator chooses")
      .choices(backendChoices)
      .default("auto"),
  )
  .option(
    "--token-file <file>",
    "file with the join token; default: the environment variable FEDCLAIR_TOKEN",
  )
  .option(
    "--tls-ca <file>",
    "certificate authority (PEM) of the coordinator; default: those that Node.js trusts",
  )
  .option("--tls-cert <file>", "certificate (PEM) of this host, if the coordinator requires one")
  .option("--tls-key <file>", "private key (PEM) of --tls-cert")
  .addOption(pluginOption())
  .action(async (options: HostOptions) => {
    const [{ host }, coordinator] = await Promise.all([
      import("./host.js"),
      options.coordinator === "parent" ? addressFromParent() : options.coordinator,
    ]);
    await host({ ...options, coordinator });
  });

async function addressFromParent(): Promise<string> {
  if (!process.connected)
    throw new UserError("--coordinator parent: no process has started this one");
  process.channel?.ref(); // keeps the process alive while it waits
  const [message] = (await once(process, "message", { signal: interruption.signal })) as [
    { listening: string },
  ];
  process.channel?.unref();
  return message.listening;
}
