import { clientIds } from "../contracts/clients.js";
import type { TaskPlugin } from "../contracts/plugin.js";
import type { Contamination } from "./contamination.js";
import type { PreparedTrial } from "./prepared-trial.js";
import type { Trial } from "./trial.js";

/**
 * Lists the external clients, which are not simulated because their own hosts run them
 * (apps/client-python): all clients of a task like `external`, otherwise the clients that the trial
 * lists.
 */
export function listExternalClients(
  { clients, external }: Pick<Trial, "clients" | "external">,
  { isExternal = false }: Pick<TaskPlugin, "isExternal">,
): ReadonlySet<string> {
  return new Set(isExternal ? clientIds(clients) : external);
}

/**
 * Finds the clients whose truth is unknown: they may be contaminated or benign. With
 * `truth: unknown` these are all clients that no attack lists, with `truth: known` none. By default
 * they are the external clients, unless the trial declares some of them contaminated.
 */
export function findUnknownClients(
  { truth, clients }: Pick<Trial, "truth" | "clients">,
  external: ReadonlySet<string>,
  contamination: Contamination,
): ReadonlySet<string> {
  if (truth === "known") return new Set();
  if (truth === "unknown")
    return new Set(clientIds(clients).filter((id) => !contamination.has(id)));
  return [...external].some((id) => contamination.has(id)) ? new Set() : external;
}

/**
 * Explains how to start the hosts of external clients; undefined if the trial has none.
 * @param command how the user starts fedclair
 * @param trialArguments arguments of the coordinator that continues a run; default: the trial is
 *   new, and may name their code
 */
export function explainExternalHosts(
  { trial, external }: Pick<PreparedTrial, "trial" | "external">,
  command = "fedclair",
  trialArguments?: string,
): string | undefined {
  const count = external.size;
  if (count === 0) return undefined;
  const isAll = count === trial.clients;
  const whose = isAll ? "its clients live" : `${count} of its ${trial.clients} clients live`;
  const simulated = isAll
    ? ""
    : `, \`${command} client --coordinator http://127.0.0.1:4000 --capacity M${trial.plugins ? " --plugin MODULE" : ""}\` for those that are simulated`;
  const start =
    trialArguments === undefined
      ? "Name their Python code in the trial, as `python: my_module:make_client`, or start"
      : "Start";
  return (
    `task ${trial.task.name}: ${whose} in hosts of their own. ${start} \`${command} coordinator ${trialArguments ?? "TRIAL"} --listen 127.0.0.1:4000\`, and for it hosts, as ` +
    `\`fedclair-host my_module:make_client --coordinator http://127.0.0.1:4000 --capacity N\`${simulated} (see docs/python-clients.md)`
  );
}
