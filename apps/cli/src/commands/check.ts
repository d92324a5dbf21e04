import { UserError } from "@fedclair/core/errors";
import { integerOption, setOption } from "@fedclair/runs/program";
import { Option, type Command } from "commander";
import type { RoundsChoice } from "../api/verify.js";
import { processCount } from "../processes/process-count.js";
import { allowPlugin, device, hosts, lazily, python, seeds, transport, trust } from "./options.js";

/** Parses `5%` or `12`. @throws UserError for anything else */
function parseRounds(text: string): RoundsChoice {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const value = Number(number);
  if (percent === "%" && value > 0 && value <= 100) return { share: value / 100 };
  if (percent === "" && Number.isInteger(value) && value > 0) return { count: value };
  throw new UserError(`--rounds: expected a number like 12 or a share like 5%, got '${text}'`);
}

/** Parses `c03,c04`, or `flagged`. @throws UserError for an empty list */
function parseClients(text: string): readonly string[] | "flagged" {
  if (text === "flagged") return text;
  const ids = text.split(",").map((id) => id.trim());
  if (ids.every((id) => id !== "")) return [...new Set(ids)];
  throw new UserError(`--without: expected ids of clients like c03,c04, got '${text}'`);
}

/** Adds the commands that run something again, to check it or to learn what changes it. */
export function addCheckCommands(program: Command): void {
  program
    .command("verify")
    .description(
      "run again and compare: trials with their expected results, or rounds of a run with its records",
    )
    .argument("<trials-or-run...>", "trial files, folders with trial files, or one run folder")
    .addOption(setOption())
    .addOption(
      new Option(
        "--jobs <n>",
        "number of trials to run at a time; default: one per core",
      ).argParser(processCount("--jobs")),
    )
    .addOption(python())
    .addOption(
      new Option(
        "--rounds <number or share>",
        "of a run: number of rounds to draw at random and compare, besides the last, for example 12 or 10%; default: 5%",
      ).argParser(parseRounds),
    )
    .addOption(
      new Option("--seed <n>", "of a run: seed of the draw; default: a new one").argParser(
        integerOption("--seed", 0),
      ),
    )
    .addOption(allowPlugin())
    .addOption(trust())
    .option("--json", "of a run: print JSON", false)
    .action(lazily(async () => (await import("../check/verify.js")).verify));

  program
    .command("replay")
    .description("run a run's trial again without some clients, and compare the two")
    .argument("<run>", "run folder")
    .option(
      "--without <clients>",
      "ids of clients that take no part, for example c03,c04; flagged: those that were flagged, from the first round that an update of them entered",
      parseClients,
    )
    .addOption(
      new Option(
        "--most-suspicious <n>",
        "replay without each of the n clients with the highest scores over their thresholds, one at a time, and show their influence in the report",
      )
        .argParser(integerOption("--most-suspicious", 1))
        .conflicts("without"),
    )
    .addOption(
      new Option("--from <round>", "the first round without them; default: 1").argParser(
        integerOption("--from", 1),
      ),
    )
    .addOption(hosts())
    .addOption(python())
    .addOption(transport())
    .addOption(allowPlugin())
    .addOption(trust())
    .option("--no-report", "do not write report.html and its figures")
    .action(lazily(async () => (await import("../check/replay.js")).replay));

  program
    .command("power")
    .description(
      "run a trial without its attacks and tell which contaminated clients it would find",
    )
    .argument("<trial>", "trial file whose aggregator is clair with rule evidence")
    .addOption(setOption())
    .addOption(seeds())
    .addOption(python())
    .addOption(device())
    .option("--json", "print the result as JSON", false)
    .action(lazily(async () => (await import("../check/power.js")).printPower));
}
