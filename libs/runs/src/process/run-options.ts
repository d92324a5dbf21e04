import { UserError } from "@fedclair/core/errors";
import { Option } from "commander";
import { integerOption } from "./main.js";

/** Where a run goes. */
export interface PlaceOptions {
  readonly out?: string;
  readonly name?: string;
  /** Beside the runs that are there. */
  readonly again?: boolean;
}

/** How often a run writes down where it stands. */
export interface CheckpointOptions {
  readonly checkpointEvery: number;
  readonly keepCheckpoints?: number;
}

/** The options of commands that make or continue a run. */
export const runOptions = {
  name: () =>
    new Option("--name <name>", "name of the run: its folder is then runs/<name>").argParser(
      runName,
    ),
  out: () =>
    new Option("--out <folder>", "run folder; default: runs/<name>-<seed>-<hash of the trial>"),
  again: () =>
    new Option("--again", "a new run beside those that are there: <folder>-2 and so on").default(
      false,
    ),
  metrics: () =>
    new Option(
      "--metrics <host:port>",
      "serve /metrics for Prometheus and /healthz there; default: nowhere",
    ),
  checkpointEvery: () =>
    new Option("--checkpoint-every <rounds>", "how often to write down where the run stands")
      .argParser(integerOption("--checkpoint-every", 1))
      .default(1),
  keepCheckpoints: () =>
    new Option(
      "--keep-checkpoints <n>",
      "so many of the newest stay, also when the run is done; default: one, until then",
    ).argParser(integerOption("--keep-checkpoints", 1)),
};

/** What a command hands on to another one. */
export function checkpointArgs({ checkpointEvery, keepCheckpoints }: CheckpointOptions): string[] {
  return [
    ...["--checkpoint-every", String(checkpointEvery)],
    ...(keepCheckpoints === undefined ? [] : ["--keep-checkpoints", String(keepCheckpoints)]),
  ];
}

function runName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(text)) return text;
  throw new UserError(`--name: expected letters, digits, dots and hyphens, got '${text}'`);
}
