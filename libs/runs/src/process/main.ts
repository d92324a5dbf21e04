import { readFile } from "node:fs/promises";
import { exitCodes, UserError } from "@fedclair/core/errors";
import { printable } from "@fedclair/core/text";
import { CommanderError, Option, type Command } from "commander";
import { endWithParent } from "./end-with-parent.js";
import { keepStdoutForAnswers, print } from "./print.js";
import { systemErrorCode, systemFault } from "./system-error.js";
import { uncaughtText } from "./uncaught.js";

/**
 * Runs a program's commands to their end and sets the exit code: 0, the code of a `UserError`, 2 for an error of the
 * system that the user can mend, 130 after Ctrl-C or SIGTERM, 1 with a stack for a fault of our own, 1 with a word for what a
 * plug-in throws where nobody catches it. Commands stop when `interruption` aborts; where nobody reads their output on, as
 * after `| head`, they stop without a word.
 */
export async function runProgram(program: Command, argv = process.argv): Promise<void> {
  keepStdoutForAnswers();
  // Not the event, whose listeners are many: TensorFlow.js adds one that throws the error again.
  process.setUncaughtExceptionCaptureCallback(endUncaught);
  process.on("unhandledRejection", endUncaught);
  process.once("beforeExit", endEndless);
  process.on("exit", tellEarlyExit);
  process.stdout.on("error", (error) => {
    controller.abort();
    if (systemErrorCode(error) !== "EPIPE") fail(error);
  });
  process.stderr.on("error", () => {
    controller.abort(); // and nothing is left to tell it by
  });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeOut: print });
  }
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    } else if (interruption.signal.aborted) {
      process.off("exit", tellEarlyExit);
      process.exit(exitCodeOf(error)); // a client that hangs must not hold the exit up
    } else {
      fail(error);
    }
  }
  process.off("beforeExit", endEndless);
  process.off("exit", tellEarlyExit);
  endSoon(); // a timer or a server that a plug-in left must not hold the exit up
}

function fail(error: unknown): void {
  const fault = faultOf(error);
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // Messages repeat file names and the like: only line breaks may act on the terminal.
  const lines = (fault ? `error: ${fault.message}` : stack).split("\n");
  process.stderr.write(lines.map((line) => `${printable(line, Infinity)}\n`).join(""));
  process.exitCode = exitCodeOf(error);
}

/** In order where the command listens to `interruption`; else on the spot, for the rest may wait for what now never comes. */
function endUncaught(error: unknown): void {
  if (isUncaught) return; // one tells enough
  isUncaught = true;
  process.stderr.write(`error: ${uncaughtText(error)}\n`);
  process.off("exit", tellEarlyExit);
  process.once("exit", () => {
    process.exitCode = exitCodes.internal;
  });
  endSoon();
  controller.abort(error);
}

let isUncaught = false;

/** Nothing is left that could happen, and the command is not done: Node.js would end with 13 and a riddle. */
function endEndless(): void {
  process.stderr.write(
    "error: the command waits for what never comes: does a plug-in await a promise that nobody resolves?\n",
  );
  process.off("exit", tellEarlyExit);
  process.exit(exitCodes.internal);
}

/** The command is not done, and yet the process ends: nothing of ours does that. */
function tellEarlyExit(code: number): void {
  process.stderr.write(
    `error: something called process.exit(${code}) before the command was done: does a plug-in? Throw an error instead\n`,
  );
  process.exitCode = exitCodes.internal;
}

/** Ends this process when it had time to end by itself. */
function endSoon(): void {
  setTimeout(() => process.exit(), farewell).unref();
}

/** In ms. */
const farewell = 1000;

function faultOf(error: unknown): UserError | undefined {
  return error instanceof UserError ? error : systemFault(error);
}

/** With what a program ends after an error. */
export function exitCodeOf(error: unknown): number {
  if (isUncaught) return exitCodes.internal;
  if (interruption.signal.aborted) return exitCodes.interrupted;
  return faultOf(error)?.exitCode ?? exitCodes.internal;
}

/** For `.catch`, where what went wrong is the user's to mend. @throws UserError in the error's own words */
export function toUserError(error: unknown): never {
  throw new UserError(error instanceof Error ? error.message : String(error));
}

const controller = new AbortController();

/** Aborts on Ctrl-C, SIGTERM, after what nobody caught, or when the process that started this one, or the reader of its output, is gone. */
export const interruption: { readonly signal: AbortSignal } = { signal: controller.signal };

/** Makes `interruption` work. A second Ctrl-C ends the process on the spot. */
export function listenForInterruption(): void {
  const abort = () => {
    controller.abort();
  };
  process.once("SIGINT", abort);
  // Not once: who is told by its group and by its parent must still end in order.
  process.on("SIGTERM", abort);
  // The process that started this one may be gone by now: then this one has a `send`, and nobody to send to.
  if (process.send !== undefined && !process.connected) abort();
  if (process.connected) {
    process.once("disconnect", abort);
    process.channel?.unref(); // listening on the channel must not keep a process alive that is done
    endWithParent();
  }
}

/**
 * The join token, without white space around it: from a file, else from FEDCLAIR_TOKEN, else none. Never an argument,
 * which other users could read. @throws UserError for a file that cannot be read, or a token that is empty
 */
export async function readToken(file?: string): Promise<string | undefined> {
  const text =
    file === undefined
      ? process.env["FEDCLAIR_TOKEN"]
      : await readFile(file, "utf8").catch(() => {
          throw new UserError(`--token-file: cannot read '${file}'`);
        });
  const token = text?.trim();
  if (token !== "") return token;
  const where = file === undefined ? "FEDCLAIR_TOKEN" : `--token-file: '${file}'`;
  throw new UserError(`${where} is empty: expected a join token`);
}

/** `--set path=value`, which may be repeated. */
export function setOption(): Option {
  return new Option("--set <path=value>", "change a key of the trial file; may be repeated")
    .default([], "none")
    .argParser((value: string, before: readonly string[]) => [...before, value]);
}

/** `--plugin`, which may be repeated: modules of plug-ins from outside. Read as `plugins`. */
export function pluginOption(): Option {
  return new Option(
    "--plugin, --plugins <path-or-package>",
    "load plug-ins from a module, whose code runs; may be repeated",
  )
    .default([], "none")
    .argParser((value: string, before: readonly string[]) => [...before, value]);
}

/** @throws UserError naming the option unless `text` is an integer of at least `min` */
export function integerOption(option: string, min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min) return value;
    throw new UserError(`${option}: expected an integer of at least ${min}, got '${text}'`);
  };
}
