import { UserError, type TaskFigures } from "@fedclair/core";
import { errorLocation } from "@fedclair/core/errors";
import { errorMessage, pluginOptions, type PreparedTrial } from "@fedclair/core/internal";
import type { ClientHistory } from "./client-history.js";
import type { MetricInfos } from "./measure.js";

/** Facts about a trial that its plug-ins know and its records do not contain: for tables, pages and figures. */
export interface TrialDescription {
  /** Returns the name that people know a client by: `c07` gives `Lincoln`; empty if there is none. */
  readonly label: (clientId: string) => string;
  /** The attack of every contaminated client by id, sampled or not. */
  readonly attacks: ReadonlyMap<string, string>;
  /** Clients of which nobody knows whether they are contaminated. */
  readonly unknown: ReadonlySet<string>;
  readonly metrics: MetricInfos;
  /** The metric by which arms are compared first. */
  readonly primary?: string | undefined;
  readonly figures?: TaskFigures | undefined;
}

/** The description of a trial of which only the records are known. */
export const noDescription: TrialDescription = {
  label: () => "",
  attacks: new Map(),
  unknown: new Set(),
  metrics: {},
};

/** Describes a trial from its records, if one of its plug-ins is missing. */
export function describedBy(clients: ReadonlyMap<string, ClientHistory>): TrialDescription {
  const attacks = new Map<string, string>();
  const unknown = new Set<string>();
  for (const [clientId, { last }] of clients) {
    if (last.attack !== null) attacks.set(clientId, last.attack);
    if (last.truth !== undefined) unknown.add(clientId);
  }
  return { ...noDescription, attacks, unknown };
}

/** Describes a prepared trial. @throws UserError if its task cannot be loaded, or `clientLabel` fails */
export async function describeTrial(prepared: PreparedTrial): Promise<TrialDescription> {
  const { contamination, unknown, measures, taskPlugin } = prepared;
  const { metrics = {}, primary } = measures;
  return {
    label: await clientLabels(prepared),
    attacks: new Map([...contamination].map(([id, { name }]) => [id, name])),
    unknown,
    metrics,
    ...(primary !== undefined && { primary }),
    figures: taskPlugin.figures,
  };
}

async function clientLabels(prepared: PreparedTrial): Promise<TrialDescription["label"]> {
  const { trial, clientIds, taskPlugin } = prepared;
  const mayName = taskPlugin.namesClients?.(pluginOptions(trial.task) as never) ?? true;
  const task = mayName ? await prepared.loadTask() : undefined;
  if (!task?.clientLabel) return () => "";
  const label = (i: number) => {
    try {
      return task.clientLabel?.(i) ?? "";
    } catch (error) {
      const fault = `${errorMessage(error)}${errorLocation(error)}`;
      throw new UserError(`task ${trial.task.name}: clientLabel(${i}) failed: ${fault}`);
    }
  };
  const labels = new Map(clientIds.map((id, i) => [id, label(i)]));
  return (id) => labels.get(id) ?? "";
}
