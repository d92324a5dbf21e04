import { UserError, type Measures, type Plugins, type TaskFigures } from "@fedclair/core";
import {
  clientIds,
  contaminate,
  createPlugin,
  errorMessage,
  pluginOptions,
  unknownClients,
  type Trial,
} from "@fedclair/core/internal";
import { errorLocation } from "@fedclair/core/errors";
import { stream } from "@fedclair/linalg";
import type { ClientHistory } from "./client-history.js";
import type { MetricInfos } from "./measure.js";

/** What a trial's plug-ins know of it that is not in its records: for tables, pages and figures. */
export interface TrialDescription {
  /** A name that people know a client by, from its id: `c07` gives `Lincoln`; empty where there is none. */
  readonly label: (clientId: string) => string;
  /** The attack of every contaminated client, by id, whether it was ever sampled or not. */
  readonly attacks: ReadonlyMap<string, string>;
  /** Clients of which nobody knows whether they are benign. */
  readonly unknown: ReadonlySet<string>;
  readonly metrics: MetricInfos;
  /** The metric by which methods are compared first. */
  readonly primary?: string | undefined;
  readonly figures?: TaskFigures | undefined;
}

/** Nothing known beside the records. */
export const noDescription: TrialDescription = {
  ...{ label: () => "", attacks: new Map(), unknown: new Set(), metrics: {} },
};

/** What records alone tell, where a plug-in of the trial is not there any more. */
export function describedBy(clients: ReadonlyMap<string, ClientHistory>): TrialDescription {
  const attacks = new Map<string, string>();
  const unknown = new Set<string>();
  for (const [clientId, { last }] of clients) {
    if (last.attack !== null) attacks.set(clientId, last.attack);
    if (last.truth !== undefined) unknown.add(clientId);
  }
  return { ...noDescription, attacks, unknown };
}

export async function describeTrial(trial: Trial, plugins: Plugins): Promise<TrialDescription> {
  const contamination = contaminate(trial, plugins, stream(trial.seed));
  return {
    label: await labelsOf(trial, plugins),
    attacks: new Map([...contamination].map(([id, { name }]) => [id, name])),
    unknown: unknownClients(trial, plugins),
    metrics: {},
    ...trialMeasures(trial, plugins),
    figures: plugins.tasks.get(trial.task.name)?.figures,
  };
}

/** What the trial's task measures. */
export function trialMeasures(trial: Trial, plugins: Plugins): Measures {
  const plugin = plugins.tasks.get(trial.task.name);
  const { metrics = {}, primary } =
    plugin?.measures?.(pluginOptions(trial.task) as never) ?? plugin ?? {};
  return { metrics, ...(primary !== undefined && { primary }) };
}

async function labelsOf(trial: Trial, plugins: Plugins): Promise<TrialDescription["label"]> {
  const task = createPlugin(plugins.tasks, trial.task);
  if (!task.clientLabel) return () => "";
  await task.prepare?.();
  const label = (i: number) => {
    try {
      return task.clientLabel?.(i) ?? "";
    } catch (error) {
      const fault = `${errorMessage(error)}${errorLocation(error)}`;
      throw new UserError(`task ${trial.task.name}: clientLabel(${i}) failed: ${fault}`);
    }
  };
  const labels = new Map(clientIds(trial.clients).map((id, i) => [id, label(i)]));
  return (id) => labels.get(id) ?? "";
}
