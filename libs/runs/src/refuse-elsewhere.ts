import { UserError, type Plugins } from "@fedclair/core";
import { elsewhere, type Trial } from "@fedclair/core/internal";

/**
 * A command that starts all hosts itself would wait for ever for clients that live in hosts of their own.
 * @param file the trial's
 * @param resumed the folder of a run that goes on
 * @throws UserError saying what to start, if the trial has any
 */
export function refuseElsewhere(
  file: string,
  trial: Trial,
  plugins: Plugins,
  resumed?: string,
): void {
  const goesOn = resumed && `fedclair coordinator ${file} --out ${resumed} --resume`;
  const otherHosts = elsewhere(trial, plugins, goesOn);
  if (otherHosts !== undefined) throw new UserError(`${file}: ${otherHosts}`);
}
