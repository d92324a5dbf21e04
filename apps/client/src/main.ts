import { once } from "node:events";
import { backendChoices } from "@fedclair/compute";
import { UserError } from "@fedclair/core/errors";
import {
  integerOption,
  interruption,
  listenForInterruption,
  pluginOption,
  runProgram,
} from "@fedclair/runs/program";
import { Command, Option } from "commander";
import type { HostOptions } from "./host.js";

const isAlone = process.argv[1]?.includes("fedclair-client") ?? false; // installed without the command
const program = new Command(isAlone ? "fedclair-client" : "fedclair client")
  .description("A client host: joins a coordinator and trains for the virtual clients it is given.")
  .requiredOption(
    "--coordinator <url>",
    "the coordinator's address, as https://10.0.0.1:4000; parent: as the process says that started this one",
  )
  .requiredOption(
    "--capacity <n>",
    "virtual clients that this host takes at most",
    integerOption("--capacity", 1),
  )
  .addOption(
    new Option(
      "--backend <name>",
      "TensorFlow.js backend; auto: the one that the coordinator chooses",
    )
      .choices(backendChoices)
      .default("auto"),
  )
  .option("--token-file <file>", "file with the join token; default: environment FEDCLAIR_TOKEN")
  .option(
    "--tls-ca <file>",
    "certificate authority (PEM) of the coordinator; default: those that Node.js knows",
  )
  .option("--tls-cert <file>", "certificate (PEM) of this host, if the coordinator expects one")
  .option("--tls-key <file>", "private key (PEM) of --tls-cert")
  .addOption(pluginOption())
  .action(async (options: HostOptions) => {
    const [{ host }, coordinator] = await Promise.all([
      import("./host.js"),
      options.coordinator === "parent" ? addressFromParent() : options.coordinator,
    ]);
    await host({ ...options, coordinator });
  });

listenForInterruption();
await runProgram(program);

async function addressFromParent(): Promise<string> {
  if (!process.connected)
    throw new UserError("--coordinator parent: no process has started this one");
  process.channel?.ref(); // else there were nothing to wait for
  const [message] = (await once(process, "message", { signal: interruption.signal })) as [
    { listening: string },
  ];
  process.channel?.unref();
  return message.listening;
}
