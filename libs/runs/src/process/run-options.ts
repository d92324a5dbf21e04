import { UserError } from "@fedclair/core/errors";
import { Option } from "commander";
import { integerOption } from "./main.js";

/** How often a run writes checkpoints, and how many it keeps. */
export interface CheckpointOptions {
  readonly checkpointEvery: number;
  readonly keepCheckpoints?: number;
}

/** The options of commands that start or continue a run. */
export const runOptions = {
  name: () =>
    new Option("--name <name>", "name of the run: its folder is then runs/<name>").argParser(
      runName,
    ),
  out: () =>
    new Option("--out <folder>", "run folder; default: runs/<name>-<seed>-<hash of the trial>"),
  again: () =>
    new Option(
      "--again",
      "start a new run next to the existing ones: <folder>-2 and so on",
    ).default(false),
  metrics: () =>
    new Option(
      "--metrics <host:port>",
      "serve /metrics for Prometheus and /healthz at this address; default: off",
    ),
  checkpointEvery: () =>
    new Option("--checkpoint-every <rounds>", "number of rounds between checkpoints")
      .argParser(integerOption("--checkpoint-every", 1))
      .default(1),
  keepCheckpoints: () =>
    new Option(
      "--keep-checkpoints <n>",
      "number of checkpoints to keep, also after the run; default: one, until the run is done",
    ).argParser(integerOption("--keep-checkpoints", 1)),
};

/** Converts checkpoint options to arguments for another command. */
export function checkpointArgs({ checkpointEvery, keepCheckpoints }: CheckpointOptions): string[] {
  return [
    "--checkpoint-every",
    String(checkpointEvery),
    ...(keepCheckpoints === undefined ? [] : ["--keep-checkpoints", String(keepCheckpoints)]),
  ];
}

/** Names of devices on Windows, with any ending. Folders copied there could not be opened. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

function runName(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(text))
    throw new UserError(`--name: expected letters, digits, dots and hyphens, got '${text}'`);
  if (!reserved.test(text) && !text.endsWith(".")) return text;
  throw new UserError(
    `--name: '${text}' cannot be the name of a folder on Windows: choose a name that is no device, such as con or com1, and has no dot at the end`,
  );
}
