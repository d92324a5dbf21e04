import { UserError } from "@fedclair/core";
import { commandName } from "../words/command-name.js";
import { explainExternalHosts, type PreparedTrial } from "@fedclair/core/internal";

/**
 * Rejects a trial with external clients. A command that starts all hosts itself would wait forever
 * for hosts started elsewhere.
 * @param file the trial file
 * @param resumed the folder of the run to resume
 * @throws UserError that lists the hosts to start
 */
export function rejectExternalClients(
  file: string,
  prepared: PreparedTrial,
  resumed?: string,
): void {
  const goesOn = resumed && `${file} --out ${resumed} --resume`;
  const otherHosts = explainExternalHosts(prepared, commandName(), goesOn);
  if (otherHosts !== undefined) throw new UserError(`${file}: ${otherHosts}`);
}
