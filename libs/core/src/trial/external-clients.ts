import { stream } from "@fedclair/linalg";
import { clientIds } from "../contracts/clients.js";
import { contaminate } from "./contamination.js";
import type { Plugins } from "../contracts/plugin.js";
import type { Trial } from "./trial.js";

/**
 * The clients that are not simulated: hosts of their own bring them, as those of apps/client-python. All of a task like
 * `external`, else those that the trial names.
 */
export function externalClients(
  { clients, external, task }: Pick<Trial, "clients" | "external" | "task">,
  { tasks }: Pick<Plugins, "tasks">,
): ReadonlySet<string> {
  const isExternal = tasks.get(task.name)?.isExternal ?? false;
  return new Set(isExternal ? clientIds(clients) : external);
}

/**
 * Clients of which nobody knows whether they are benign: of `truth: unknown` all that no attack names, of `truth: known` none. By
 * default those that are not simulated, unless the trial declares some of them contaminated.
 */
export function unknownClients(trial: Trial, plugins: Plugins): ReadonlySet<string> {
  if (trial.truth === "known") return new Set();
  const external = externalClients(trial, plugins);
  if (trial.truth === undefined && external.size === 0) return external;
  const attacked = contaminate(trial, plugins, stream(trial.seed));
  if (trial.truth === "unknown")
    return new Set(clientIds(trial.clients).filter((id) => !attacked.has(id)));
  return [...external].some((id) => attacked.has(id)) ? new Set() : external;
}

/**
 * Where the clients of a trial that are not simulated have to come from, and how; undefined if it has none.
 * @param coordinator the command that runs the trial
 */
export function elsewhere(
  trial: Trial,
  plugins: Plugins,
  coordinator = "fedclair coordinator TRIAL",
): string | undefined {
  const external = externalClients(trial, plugins).size;
  if (external === 0) return undefined;
  const isAll = external === trial.clients;
  const whose = isAll ? "its clients live" : `${external} of its ${trial.clients} clients live`;
  const simulated = isAll
    ? ""
    : `, \`fedclair client --coordinator http://127.0.0.1:4000 --capacity M${trial.plugins ? " --plugin MODULE" : ""}\` for those that are simulated`;
  return (
    `task ${trial.task.name}: ${whose} in hosts of their own. Start \`${coordinator} --listen 127.0.0.1:4000\`, and for it hosts, as ` +
    `\`fedclair-host my_module:make_client --coordinator http://127.0.0.1:4000 --capacity N\`${simulated} (see docs/python-clients.md)`
  );
}
