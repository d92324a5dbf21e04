import type { VerdictStatus } from "@fedclair/core";
import { clientIds, clientIndex, type ClientRecord, type Trial } from "@fedclair/core/internal";
import {
  clientEvaluations,
  clientTruth,
  isFlagged,
  metricsIn,
  orderMetrics,
  readMetric,
  valuesOf,
  type ArmRecord,
  type ArmTiming,
  type TrialDescription,
} from "@fedclair/runs";
import { mean } from "@fedclair/linalg";
import { marks, type MetricState, type RoundColumns, type RoundTime } from "./protocol.js";

/**
 * Limits of a map. More rows cannot be told apart, and more cells would fill the reader's memory.
 */
const maxRows = 4096;
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
  while (clients / spacing.clients > maxRows) spacing.clients *= 2;
  const cells = (clients / spacing.clients) * rounds * (1 + baselines.length);
  while (cells / spacing.rounds > maxCells) spacing.rounds *= 2;
  return spacing;
}

/** Converts a record into columns for the page. */
export function roundColumns(
  record: ArmRecord,
  labels: readonly string[],
  trial: Pick<Trial, "clients">,
  spacing: Spacing,
  metric: MetricState | undefined,
): RoundColumns {
  const { arm, round, clients, bytes } = record;
  const values = metric && measuredValues(record, metric);
  return {
    a: labels.indexOf(arm),
    round,
    n: clients.length,
    flagged: clients.filter(isFlagged).length,
    failed: clients.filter(({ failure }) => failure !== null).length,
    ...((round - 1) % spacing.rounds === 0 && mapColumns(clients, trial.clients, spacing.clients)),
    ...(values && { metric: values }),
    down: bytes.down,
    up: bytes.up,
  };
}

function mapColumns(clients: readonly ClientRecord[], count: number, spacing: number) {
  const all = clientIds(count);
  const placed = clients.flatMap((client) => {
    const index = clientIndex(all, client.clientId);
    return index >= 0 && index % spacing === 0 ? [{ index, client }] : [];
  });
  return {
    ids: placed.map(({ index }) => index),
    ratio: placed.map(({ client }) => scoreRatio(client)),
    verdict: placed.map(({ client }) => markOf(client)).join(""),
    truth: placed.map(({ client }) => truthMarks[clientTruth(client)]).join(""),
  };
}

const truthMarks = { contaminated: "x", benign: ".", unknown: "?" } as const;

/** Three digits are enough for a colour and a label. */
function scoreRatio({ score, threshold }: ClientRecord): number | null {
  if (score == null || threshold == null || threshold <= 0) return null;
  const ratio = Number((score / threshold).toPrecision(3));
  return Number.isFinite(ratio) ? ratio : null;
}

function markOf({ failure, verdict }: ClientRecord): string {
  if (failure) return marks.failed;
  if (verdict === undefined) return marks.none;
  return (marks as Readonly<Partial<Record<VerdictStatus, string>>>)[verdict] ?? marks.none;
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
  const { better, unit } = Object.hasOwn(description.metrics, name)
    ? (description.metrics[name] ?? {})
    : {};
  return {
    name,
    isGlobal,
    ...(better && { better }),
    ...(unit !== undefined && { unit }),
  };
}

/** The mean of a metric in a round, its 10 % and 90 % quantile, and the number of values. */
export function measuredValues(
  { clients, metrics }: ArmRecord,
  { name, isGlobal }: MetricState,
): [number, number, number, number] | undefined {
  if (isGlobal) {
    const value = readMetric(metrics, name);
    return value === undefined ? undefined : [value, value, value, 1];
  }
  const values = valuesOf(clientEvaluations(clients), name).sort((a, b) => a - b);
  if (values.length === 0) return undefined;
  return [mean(values), quantile(values, 0.1), quantile(values, 0.9), values.length];
}

/** Interpolates between the two nearest values. @param sorted at least one value, ascending */
function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const [low = 0, high = low] = sorted.slice(Math.floor(place), Math.floor(place) + 2);
  return low + (high - low) * (place - Math.floor(place));
}

/** Converts a line of timings for the page. */
export function roundTime(
  { arm, round, seconds, writeSeconds, coordinatorRss, wire }: ArmTiming,
  labels: readonly string[],
): RoundTime {
  return {
    a: labels.indexOf(arm),
    round,
    train: seconds.train,
    aggregate: seconds.aggregate,
    evaluate: seconds.evaluate,
    write: writeSeconds,
    memory: coordinatorRss,
    ...(wire && { sent: wire.bytesSent, received: wire.bytesReceived }),
  };
}
