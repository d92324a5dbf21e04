import { integerOption, pluginOption } from "@fedclair/runs/program";
import { InvalidArgumentError, Option, type Command } from "commander";
import { processCount } from "../processes/process-count.js";
import { lazily, pluginSetting, readPython } from "./options.js";

/** A timer of Node.js holds 2³¹ − 1 ms; a longer time would end at once. */
const longestSeconds = 2_000_000;

/** The hub is asked about ten times as many. */
const mostSiblings = 200;

const failConditions = ["contaminated", "invalid", "undecided", "finding"];

function failOn(value: string, before: readonly string[]): readonly string[] {
  if (failConditions.includes(value)) return [...before, value];
  throw new InvalidArgumentError(`Allowed choices are ${failConditions.join(", ")}.`);
}

/** Adds the commands for LoRA adapters in files, which no trial has trained. */
export function addAdapterCommands(program: Command): void {
  addAudit(program);
  addCalibrate(program);
  addAggregate(program);
}

function addAudit(program: Command): void {
  program
    .command("audit")
    .description("report which of a set of LoRA adapters (PEFT folders) are contaminated")
    .argument(
      "<adapters...>",
      "adapter folders, folders that contain them, or names on the Hugging Face Hub (hf://org/name@revision)",
    )
    .addOption(
      new Option(
        "--siblings <n>",
        "add up to n other adapters from the hub, of the same base, rank and modules",
      )
        .argParser(integerOption("--siblings", 0, mostSiblings))
        .default(0),
    )
    .option(
      "--hub-url <url>",
      "hub to download from; default: HF_ENDPOINT, or https://huggingface.co",
    )
    .addOption(pluginSetting("set an option of clair (see fedclair plugins aggregators)"))
    .option(
      "--refine <folder>",
      "write refined versions of the benign adapters, in the same format",
    )
    .addOption(evaluateOption("with --refine: write the version with the lowest loss"))
    .addOption(evaluateTimeoutOption())
    .addOption(evaluateJobsOption())
    .option(
      "--read <folder>",
      "show what each adapter makes this base model say more often than the others do; needs a Python with fedclair[peft]",
    )
    .addOption(readTimeoutOption())
    .addOption(readPython())
    .option("--html <file>", "write a self-contained report page to this new file")
    .option(
      "--bank <file>",
      "take the thresholds from this bank (see fedclair calibrate); default: the one that is shipped",
    )
    .option(
      "--require <kinds>",
      "call an adapter benign only if attackers of these kinds would have been found, for example boosted,flipped",
    )
    .option("--sarif <file>", "write the findings to this new file, as SARIF 2.1.0")
    .option("--summary <file>", "append a summary in Markdown to this file")
    .option(
      "--baseline <file>",
      "adapters in this earlier output of --json are known and never fail the audit",
    )
    .option(
      "--fail-on <what>",
      "exit with code 4 if an adapter is contaminated, invalid or undecided, or if there is any finding; may be repeated",
      failOn,
      [],
    )
    .option("--json", "print JSON", false)
    .action(lazily(async () => (await import("../adapters/audit.js")).printAudit));
}

function addCalibrate(program: Command): void {
  program
    .command("calibrate")
    .description("make a bank of thresholds for audits from piles of adapters that you trust")
    .argument("<folders...>", "folders of adapters, one pile each; none may be contaminated")
    .addOption(pluginSetting("set an option of clair"))
    .requiredOption("--out <file>", "new file for the bank")
    .action(lazily(async () => (await import("../adapters/calibrate.js")).writeBank));
}

function addAggregate(program: Command): void {
  program
    .command("aggregate")
    .description(
      "run the server step of one round: aggregate the clients' LoRA adapters (PEFT folders)",
    )
    .argument("<round>", "folder with one subfolder per client, named after the client")
    .requiredOption(
      "--aggregator <name>",
      "name of the aggregator (see fedclair plugins aggregators)",
    )
    .addOption(pluginSetting("set an option of the aggregator"))
    .requiredOption("--out <folder>", "new folder for the new adapters and verdicts.json")
    .option("--state <folder>", "folder with the state between rounds; created in the first round")
    .option(
      "--examples <file>",
      "JSON or YAML file with the number of examples of each client; default: 1 each",
    )
    .addOption(
      new Option(
        "--rank <n>",
        "rank of the new adapters; default: the clients' own ranks",
      ).argParser(integerOption("--rank", 1)),
    )
    .option(
      "--merged",
      "adapters are merged into the base after every round and start at zero again",
      false,
    )
    .addOption(
      new Option("--seed <n>", "seed for the aggregator's random numbers")
        .argParser(integerOption("--seed", 0))
        .default(1),
    )
    .addOption(pluginOption())
    .addOption(
      evaluateOption("with clair: give each benign client the version with the lowest loss"),
    )
    .addOption(evaluateTimeoutOption())
    .addOption(evaluateJobsOption())
    .option("--json", "print verdicts.json", false)
    .action(lazily(async () => (await import("../adapters/aggregate.js")).printRound));
}

function evaluateOption(what: string): Option {
  return new Option(
    "--evaluate <command>",
    `${what}; the shell command prints the loss of the adapter in the folder {adapter}`,
  );
}

function readTimeoutOption(): Option {
  return new Option("--read-timeout <seconds>", "how long --read may take for all adapters")
    .argParser(integerOption("--read-timeout", 1, longestSeconds))
    .default(600);
}

function evaluateTimeoutOption(): Option {
  return new Option(
    "--evaluate-timeout <seconds>",
    "how long this command may take for one adapter",
  )
    .argParser(integerOption("--evaluate-timeout", 1, longestSeconds))
    .default(600);
}

function evaluateJobsOption(): Option {
  return new Option("--evaluate-jobs <n>", "number of these commands to run at a time")
    .argParser(processCount("--evaluate-jobs"))
    .default(1);
}
