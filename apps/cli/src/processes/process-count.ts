import { availableParallelism } from "node:os";
import { UserError } from "@fedclair/core/errors";
import { integerOption } from "@fedclair/runs/program";

/**
 * The largest number of processes that a command starts at a time. A process needs a core and about
 * 100 MB, so more than four per core only compete. Up to 64 are allowed on every machine, to try
 * out a trial with many hosts.
 */
export const mostProcesses = Math.max(64, 4 * availableParallelism());

/** Creates a parser for an option that says how many processes to start. */
export function processCount(option: string): (text: string) => number {
  const parse = integerOption(option, 1);
  return (text) => checkProcessCount(option, parse(text));
}

/** @throws UserError that names the option if there would be too many processes */
export function checkProcessCount(option: string, count: number): number {
  if (count <= mostProcesses) return count;
  throw new UserError(
    `${option}: expected at most ${mostProcesses} processes on this machine (four per core, but at least 64), got ${count}`,
  );
}
