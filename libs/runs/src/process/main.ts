import { exitCodes, UserError } from "@fedclair/core/errors";
import { printable } from "@fedclair/core/text";
import { CommanderError, Option, type Command } from "commander";
import { endWithParent } from "./end-with-parent.js";
import { readOptionFile } from "./option-file.js";
import { reserveStdout, print } from "../words/print.js";
import { systemErrorCode, explainSystemError } from "../words/system-error.js";
import { formatUncaught } from "./uncaught.js";

/**
 * Runs a program's commands to their end and sets the exit code:
 * - 0 on success;
 * - the code of a `UserError`;
 * - 2 for a system error that the user can fix;
 * - 130 after Ctrl-C or SIGTERM;
 * - 1 with a stack for a bug of fedclair;
 * - 1 with a one-line message for an uncaught error of a plug-in.
 *
 * Commands stop when `interruption` aborts. They stop silently if the reader of their output is
 * gone, as in `| head`.
 */
export async function runProgram(program: Command, argv = process.argv): Promise<void> {
  reserveStdout();
  // The event has other listeners: TensorFlow.js adds one that throws the error again.
  process.setUncaughtExceptionCaptureCallback(handleUncaught);
  process.on("unhandledRejection", handleUncaught);
  process.once("beforeExit", failPending);
  process.on("exit", reportEarlyExit);
  process.stdout.on("error", (error) => {
    controller.abort();
    if (systemErrorCode(error) !== "EPIPE") fail(error);
  });
  process.stderr.on("error", () => {
    controller.abort(); // and nowhere is left to report it
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
      process.off("exit", reportEarlyExit);
      process.exit(exitCodeOf(error)); // a client that hangs must not delay the exit
    } else {
      fail(error);
    }
  }
  process.off("beforeExit", failPending);
  process.off("exit", reportEarlyExit);
  exitSoon(); // a timer or server left by a plug-in must not delay the exit
}

function fail(error: unknown): void {
  const fault = findFault(error);
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // Messages contain file names and the like, so only line breaks may act on the terminal.
  const lines = (fault ? `error: ${fault.message}` : stack).split("\n");
  process.stderr.write(lines.map((line) => `${printable(line, Infinity)}\n`).join(""));
  process.exitCode = exitCodeOf(error);
}

/**
 * Ends the program after an uncaught error. A command that listens to `interruption` ends in order.
 * Otherwise the process exits soon, because the command may wait for something that will never
 * happen.
 */
function handleUncaught(error: unknown): void {
  if (hasUncaught) return; // one report is enough
  hasUncaught = true;
  process.stderr.write(`error: ${formatUncaught(error)}\n`);
  process.off("exit", reportEarlyExit);
  process.once("exit", () => {
    process.exitCode = exitCodes.internal;
  });
  exitSoon();
  controller.abort(error);
}

let hasUncaught = false;

/**
 * Fails a command that is not done although no event is pending. Node.js would exit with 13 and an
 * obscure message.
 */
function failPending(): void {
  process.stderr.write(
    "error: the command waits for something that never happens: does a plug-in await a promise that is never resolved?\n",
  );
  process.off("exit", reportEarlyExit);
  process.exit(exitCodes.internal);
}

/**
 * Reports that the process exits before the command is done. Only code outside fedclair can cause
 * this.
 */
function reportEarlyExit(code: number): void {
  process.stderr.write(
    `error: something called process.exit(${code}) before the command was done: does a plug-in? Throw an error instead\n`,
  );
  process.exitCode = exitCodes.internal;
}

/** Exits after giving the process time to end by itself. */
function exitSoon(): void {
  setTimeout(() => process.exit(), gracePeriodMs).unref();
}

/** Time to end by itself, in ms. */
const gracePeriodMs = 1000;

function findFault(error: unknown): UserError | undefined {
  return error instanceof UserError ? error : explainSystemError(error);
}

/** Returns the exit code of a program after an error. */
export function exitCodeOf(error: unknown): number {
  if (hasUncaught) return exitCodes.internal;
  if (interruption.signal.aborted) return exitCodes.interrupted;
  return findFault(error)?.exitCode ?? exitCodes.internal;
}

/**
 * Rethrows an error that the user can fix; for use in `.catch`.
 * @throws UserError with the error's message
 */
export function toUserError(error: unknown): never {
  throw new UserError(error instanceof Error ? error.message : String(error));
}

const controller = new AbortController();

/**
 * Aborts on Ctrl-C, on SIGTERM, after an uncaught error, and when the parent process or the reader
 * of the output is gone.
 */
export const interruption: { readonly signal: AbortSignal } = { signal: controller.signal };

/** Activates `interruption`. A second Ctrl-C ends the process immediately. */
export function listenForInterruption(): void {
  const abort = () => {
    controller.abort();
  };
  process.once("SIGINT", abort);
  // Not `once`: a process that is signalled by both its group and its parent must still end in
  // order.
  process.on("SIGTERM", abort);
  // The parent may already be gone. Then this process has a `send` but no channel.
  if (process.send !== undefined && !process.connected) abort();
  if (process.connected) {
    process.once("disconnect", abort);
    process.channel?.unref(); // listening on the channel must not keep a finished process alive
    endWithParent();
  }
}

/**
 * Reads the join token, trimmed, from a file or else from FEDCLAIR_TOKEN. Returns undefined if
 * neither is given. The token is never an argument, because other users could read it.
 * @throws UserError if the file cannot be read or the token is empty
 */
export function readToken(file?: string): string | undefined {
  const text =
    file === undefined ? process.env["FEDCLAIR_TOKEN"] : readOptionFile("--token-file", file);
  const token = text?.trim();
  if (token !== "") return token;
  const where = file === undefined ? "FEDCLAIR_TOKEN" : `--token-file: '${file}'`;
  throw new UserError(`${where} is empty: expected a join token`);
}

/** Creates the repeatable option `--set path=value`. */
export function setOption(): Option {
  return repeatableOption("--set <path=value>", "change a key of the trial file; may be repeated");
}

/**
 * Creates the repeatable option `--plugin` for modules of plug-ins from outside. Its value is read
 * as `plugins`.
 */
export function pluginOption(
  description = "load plug-ins from a module (its code is executed)",
): Option {
  return repeatableOption(
    "--plugin, --plugins <path-or-package>",
    `${description}; may be repeated`,
  );
}

/** Creates an option whose values are collected in a list. */
function repeatableOption(flags: string, description: string): Option {
  return new Option(flags, description)
    .default([], "none")
    .argParser((value: string, before: readonly string[]) => [...before, value]);
}

/**
 * Creates a parser for an integer option.
 * @param max default: no limit
 * @throws UserError naming the option unless `text` is an integer in this range
 */
export function integerOption(
  option: string,
  min: number,
  max = Infinity,
): (text: string) => number {
  const range = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new UserError(`${option}: expected an integer ${range}, got '${text}'`);
  };
}
