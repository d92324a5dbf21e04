import { UserError, type TaskFigures } from "@fedclair/core";
import { errorLocation } from "@fedclair/core/errors";
import {
  errorMessage,
  pluginOptions,
  type OptionChange,
  type PreparedTrial,
} from "@fedclair/core/internal";
import type { ClientHistory } from "./client-history.js";
import type { MetricInfos } from "./measure.js";

/**
 * Facts about a trial for tables, pages and figures that its plug-ins know and its records do not
 * contain.
 */
export interface TrialDescription {
  /**
   * Returns a client's display name, for example `Lincoln` for `c07`, or an empty string if it has
   * none.
   */
  readonly label: (clientId: string) => string;
  /** The attack of every contaminated client by id, including clients that were never sampled. */
  readonly attacks: ReadonlyMap<string, string>;
  /** Clients of unknown truth. */
  readonly unknown: ReadonlySet<string>;
  readonly metrics: MetricInfos;
  /** The metric that arms are compared by first. */
  readonly primary?: string | undefined;
  readonly figures?: TaskFigures | undefined;
  /** The options of the trial that are not at their defaults; undefined if that is unknown. */
  readonly changes?: readonly OptionChange[];
}

/** The description of a trial if only its records are known. */
export const noDescription: TrialDescription = {
  label: () => "",
  attacks: new Map(),
  unknown: new Set(),
  metrics: {},
};

/** Describes a trial from its records, for use when one of its plug-ins is missing. */
export function describeFromRecords(clients: ReadonlyMap<string, ClientHistory>): TrialDescription {
  const attacks = new Map<string, string>();
  const unknown = new Set<string>();
  for (const [clientId, { last }] of clients) {
    if (last.attack !== null) attacks.set(clientId, last.attack);
    if (last.truth !== undefined) unknown.add(clientId);
  }
  return { ...noDescription, attacks, unknown };
}

/**
 * Describes a prepared trial.
 * @param namesClients whether the task may read its data for the names of clients
 * @throws UserError if its task cannot be loaded, or `clientLabel` fails
 */
export async function describeTrial(
  prepared: PreparedTrial,
  namesClients = true,
): Promise<TrialDescription> {
  const { contamination, unknown, measures, taskPlugin } = prepared;
  const { metrics = {}, primary } = measures;
  return {
    label: namesClients ? await loadClientLabels(prepared) : noDescription.label,
    attacks: new Map([...contamination].map(([id, { name }]) => [id, name])),
    unknown,
    metrics,
    ...(primary !== undefined && { primary }),
    figures: taskPlugin.figures,
    changes: prepared.listChanges(),
  };
}

async function loadClientLabels(prepared: PreparedTrial): Promise<TrialDescription["label"]> {
  const { trial, clientIds, taskPlugin } = prepared;
  const canName = taskPlugin.namesClients?.(pluginOptions(trial.task) as never) ?? true;
  const task = canName ? await prepared.loadTask() : undefined;
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
