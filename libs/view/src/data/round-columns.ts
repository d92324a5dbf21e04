import type { Trial } from "@fedclair/core/internal";
import { mean, quantile } from "@fedclair/linalg";
import {
  clientEvaluations,
  isSpaced,
  metricsIn,
  noDescription,
  orderMetrics,
  ownProperty,
  readMetric,
  valuesOf,
  type ArmRecord,
  type ArmTiming,
  type TrialDescription,
} from "@fedclair/runs";
import { RoundEncoder } from "./encode-rounds.js";
import type { MetricState, RoundCost, StreamedArmRound } from "./protocol.js";
import { maxClients } from "./rounds-tally.js";

/** More cells of a map would fill the reader's memory. */
const maxCells = 2 ** 23;

/** How many clients and rounds there are for each one in the map; both are powers of two. */
export interface Spacing {
  readonly clients: number;
  readonly rounds: number;
}

/** Chooses the spacings of a trial, so that the map stays within its limits. */
export function chooseSpacing({
  clients,
  rounds,
  baselines,
}: Pick<Trial, "clients" | "rounds" | "baselines">): Spacing {
  const spacing = { clients: 1, rounds: 1 };
  while (clients / spacing.clients > maxClients) spacing.clients *= 2;
  const cells = (clients / spacing.clients) * rounds * (1 + baselines.length);
  while (cells / spacing.rounds > maxCells) spacing.rounds *= 2;
  return spacing;
}

/** Turns the records of a run into what one reader is sent. */
export class RoundStream {
  readonly #encoder = new RoundEncoder(noDescription);
  readonly #sent = new Set<string>();

  encode(
    record: ArmRecord,
    labels: readonly string[],
    spacing: Spacing,
    metric: MetricState | undefined,
  ): StreamedArmRound {
    const { arm, round, clients, bytes } = record;
    const values = metric && measuredValues(record, metric);
    return {
      a: labels.indexOf(arm),
      round,
      ...((round - 1) % spacing.rounds === 0 && this.#cells(round, clients, spacing.clients)),
      ...(values && { metric: values }),
      down: bytes.down,
      up: bytes.up,
    };
  }

  #cells(round: number, clients: ArmRecord["clients"], spacing: number) {
    const columns = this.#encoder.encodeScores(
      round,
      clients.filter(({ clientId }) => isSpaced(clientId, spacing)),
    );
    const fresh = Object.entries(this.#encoder.truths).filter(([index]) => !this.#sent.has(index));
    for (const [index] of fresh) this.#sent.add(index);
    return { columns, ...(fresh.length > 0 && { truths: Object.fromEntries(fresh) }) };
  }
}

/**
 * Chooses the metric by which the arms of a run are compared: the task's primary one, or else the
 * first that clients measure.
 */
export function chooseMetric(
  record: ArmRecord,
  description: TrialDescription,
): MetricState | undefined {
  const evaluations = clientEvaluations(record.clients);
  const [first] = orderMetrics(metricsIn(evaluations), description);
  const { primary } = description;
  const isGlobal =
    primary !== undefined && first !== primary && readMetric(record.metrics, primary) !== undefined;
  const name = isGlobal ? primary : first;
  if (name === undefined) return undefined;
  const { better, unit } = ownProperty(description.metrics, name) ?? {};
  return { name, isGlobal, better, unit };
}

/** The mean of a metric in a round, its 10 % and 90 % quantile, and the number of values. */
function measuredValues(
  { clients, metrics }: ArmRecord,
  { name, isGlobal }: MetricState,
): [number, number, number, number] | undefined {
  if (isGlobal) {
    const value = readMetric(metrics, name);
    return value === undefined ? undefined : [value, value, value, 1];
  }
  const values = valuesOf(clientEvaluations(clients), name);
  if (values.length === 0) return undefined;
  return [mean(values), quantile(values, 0.1), quantile(values, 0.9), values.length];
}

/** Converts a line of timings for the page. */
export function roundTime(
  { arm, seconds, writeSeconds, coordinatorRss, wire }: ArmTiming,
  labels: readonly string[],
): RoundCost {
  return {
    a: labels.indexOf(arm),
    train: seconds.train,
    aggregate: seconds.aggregate,
    evaluate: seconds.evaluate,
    write: writeSeconds,
    memory: coordinatorRss,
    ...(wire && { sent: wire.bytesSent, received: wire.bytesReceived }),
  };
}
