import type { ClientRecord } from "@fedclair/core/internal";
import { sum } from "@fedclair/linalg";
import { clientNumber } from "./client-history.js";
import { meaningOf, createMeasure, type Measure, type MetricInfos } from "./measure.js";
import { isFlagged, clientTruth, type ClientTruth } from "./truth.js";

/** A round's verdicts compared with the truth. */
export interface DetectionCounts {
  /** Judged clients that are contaminated, including undecided ones. */
  readonly contaminated: number;
  /** Judged clients that are benign. */
  readonly benign: number;
  readonly hits: number;
  readonly falseAlarms: number;
  /** Judged clients of unknown truth. They count neither as hits nor as false alarms. */
  readonly unknown: { readonly judged: number; readonly flagged: number };
}

/**
 * Compares the verdicts of one round with the truth. Returns undefined without verdicts. Clients
 * that never reached the aggregator (late, rejected) do not count.
 */
export function roundDetection(clients: readonly ClientRecord[]): DetectionCounts | undefined {
  const judged = clients.filter(({ verdict }) => verdict !== undefined);
  if (judged.length === 0) return undefined;
  const flagged = judged.filter(isFlagged);
  const count = (some: readonly ClientRecord[], truth: ReturnType<typeof clientTruth>) =>
    some.filter((client) => clientTruth(client) === truth).length;
  return {
    contaminated: count(judged, "contaminated"),
    benign: count(judged, "benign"),
    hits: count(flagged, "contaminated"),
    falseAlarms: count(flagged, "benign"),
    unknown: { judged: count(judged, "unknown"), flagged: count(flagged, "unknown") },
  };
}

/** Were exactly the contaminated clients flagged? Undefined if no judged client is contaminated. */
export function isExact({ contaminated, hits, falseAlarms }: DetectionCounts): boolean | undefined {
  return contaminated === 0 ? undefined : hits === contaminated && falseAlarms === 0;
}

/** Descriptions of the detection measures. */
export const detectionInfos: MetricInfos = {
  exactRounds: {
    better: "higher",
    unit: "rounds",
    description:
      "rounds in which exactly the contaminated clients were flagged, out of rounds that judged a contaminated client",
  },
  recall: {
    better: "higher",
    description: "share of the contaminated clients that were flagged, last round",
  },
  precision: {
    better: "higher",
    description: "share of the flagged clients that are contaminated, last round",
  },
  falseAlarms: {
    better: "lower",
    unit: "clients",
    description: "benign clients flagged, last round",
  },
  recallMean: {
    better: "higher",
    description: "share of the contaminated clients that were flagged, all rounds together",
  },
  precisionMean: {
    better: "higher",
    description: "share of the flagged clients that are contaminated, all rounds together",
  },
  f1: {
    better: "higher",
    description: "harmonic mean of precision and recall, all rounds together",
  },
  falseAlarmsMean: {
    better: "lower",
    unit: "clients",
    description: "benign clients flagged, mean over rounds",
  },
  undecided: {
    unit: "clients",
    description: "clients about which the aggregator is undecided, last round",
  },
  undecidedContaminated: {
    unit: "clients",
    description: "contaminated clients about which the aggregator is undecided, last round",
  },
  undecidedBenign: {
    unit: "clients",
    description: "benign clients about which the aggregator is undecided, last round",
  },
  undecidedMean: {
    unit: "clients",
    description: "clients about which the aggregator is undecided, mean over rounds",
  },
  recallOfClients: {
    better: "higher",
    description: "share of all contaminated clients that were flagged when last judged",
  },
  falseAlarmsOfClients: {
    better: "lower",
    unit: "clients",
    description: "benign clients that were flagged when last judged",
  },
};

const truths: readonly ClientTruth[] = ["contaminated", "benign", "unknown"];

/** Numbers the kinds of last verdicts from 1 on. */
function kindOf(truth: ClientTruth, flagged: boolean): number {
  return 1 + 2 * truths.indexOf(truth) + Number(flagged);
}

/** The last verdict on each client, for trials whose rounds judge different clients. */
class LastVerdicts {
  /** The kind by the number in the client's id; 0 if it was never judged. */
  #kinds = new Uint8Array(64);
  /** Number of clients by the values of `#kinds`. */
  readonly #counts = new Uint32Array(1 + 2 * truths.length);
  #maxJudged = 0;

  add(clients: readonly ClientRecord[]): void {
    let judged = 0;
    for (const client of clients) {
      if (client.verdict === undefined) continue;
      judged++;
      this.#set(clientNumber(client.clientId), kindOf(clientTruth(client), isFlagged(client)));
    }
    this.#maxJudged = Math.max(this.#maxJudged, judged);
  }

  #set(client: number, kind: number): void {
    if (client >= this.#kinds.length) {
      const longer = new Uint8Array(2 * client);
      longer.set(this.#kinds);
      this.#kinds = longer;
    }
    const before = this.#kinds[client] ?? 0;
    this.#kinds[client] = kind;
    this.#counts[before] = (this.#counts[before] ?? 0) - Number(before > 0);
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
  }

  /**
   * Compares the last verdicts with the truth. Returns undefined if every round judges the same
   * clients.
   */
  detection(): Omit<DetectionCounts, "unknown"> | undefined {
    if (sum(this.#counts) <= this.#maxJudged) return undefined;
    const count = (truth: ClientTruth, flagged: boolean) =>
      this.#counts[kindOf(truth, flagged)] ?? 0;
    const [hits, falseAlarms] = [count("contaminated", true), count("benign", true)];
    return {
      contaminated: hits + count("contaminated", false),
      benign: falseAlarms + count("benign", false),
      hits,
      falseAlarms,
    };
  }

  measures(): Measure[] {
    const detection = this.detection();
    if (!detection) return [];
    const { contaminated, benign, hits, falseAlarms } = detection;
    return [
      ...(contaminated === 0
        ? []
        : [createDetectionMeasure("recallOfClients", hits / contaminated, contaminated)]),
      createDetectionMeasure("falseAlarmsOfClients", falseAlarms, benign),
    ];
  }
}

/** Verdicts of all rounds compared with the truth. */
export interface DetectionTotals {
  /** The last round that judged a client of known truth; undefined if no round did. */
  readonly last: DetectionCounts | undefined;
  /** Number of rounds that judged a client of known truth. */
  readonly rounds: number;
  /** Sums over those rounds. */
  readonly total: Omit<DetectionCounts, "unknown">;
  /**
   * Rounds in which exactly the contaminated clients were flagged, of the rounds that judged one.
   */
  readonly exact: { readonly rounds: number; readonly of: number };
  /** Were the numbers of hits and of judged contaminated clients the same in every round? */
  readonly isSteady: boolean;
  /** Was a contaminated client ever left without a verdict? */
  readonly hasUnjudged: boolean;
  /** The last verdict on each client; undefined if all rounds judge the same clients. */
  readonly clients: Omit<DetectionCounts, "unknown"> | undefined;
  /** The open verdicts of the last round that judged any client; undefined if no round did. */
  readonly open: OpenVerdicts | undefined;
}

/** Verdicts of a round that cannot be compared with the truth. */
interface OpenVerdicts extends Pick<DetectionCounts, "unknown"> {
  /** The number of undecided clients, and their reason if they all share one. */
  readonly undecided: { readonly count: number; readonly reason: string | undefined };
}

/** Compares verdicts with the truth while rounds come in. */
export class DetectionTally {
  #last: DetectionCounts | undefined;
  /** Undecided clients of the same round. */
  #lastUndecided = { contaminated: 0, benign: 0 };
  #open: OpenVerdicts | undefined;
  #rounds = 0;
  /** Undecided clients of all rounds, and of the last one that judged any client. */
  readonly #undecided = { clients: 0, rounds: 0, last: 0, judged: 0 };
  #isSteady = true;
  #hasUnjudged = false;
  readonly #total = { contaminated: 0, benign: 0, hits: 0, falseAlarms: 0 };
  readonly #exact = { rounds: 0, of: 0 };
  readonly #attacks = new Map<string, { hits: number; contaminated: number }>();
  readonly #clients = new LastVerdicts();

  add(clients: readonly ClientRecord[]): void {
    this.#hasUnjudged ||= clients.some(
      ({ attack, verdict }) => attack !== null && verdict === undefined,
    );
    const detection = roundDetection(clients);
    if (!detection) return;
    const undecided = countUndecided(clients);
    this.#open = { unknown: detection.unknown, undecided };
    this.#undecided.clients += undecided.count;
    this.#undecided.last = undecided.count;
    this.#undecided.judged = detection.contaminated + detection.benign + detection.unknown.judged;
    this.#undecided.rounds++;
    if (detection.contaminated + detection.benign === 0) return;
    const { contaminated, benign, hits, falseAlarms } = detection;
    const before = this.#last ?? detection;
    this.#isSteady &&= hits === before.hits && contaminated === before.contaminated;
    this.#last = detection;
    const open = clients.filter(({ verdict }) => verdict === "undecided").map(clientTruth);
    const countOpen = (truth: ClientTruth) => open.filter((one) => one === truth).length;
    this.#lastUndecided = {
      contaminated: countOpen("contaminated"),
      benign: countOpen("benign"),
    };
    this.#clients.add(clients);
    this.#rounds++;
    this.#total.contaminated += contaminated;
    this.#total.benign += benign;
    this.#total.hits += hits;
    this.#total.falseAlarms += falseAlarms;
    const exact = isExact(detection);
    if (exact !== undefined) this.#exact.of++;
    if (exact === true) this.#exact.rounds++;
    for (const client of clients) {
      if (client.attack === null || client.verdict === undefined) continue;
      const own = this.#attacks.get(client.attack) ?? { hits: 0, contaminated: 0 };
      own.contaminated++;
      if (isFlagged(client)) own.hits++;
      this.#attacks.set(client.attack, own);
    }
  }

  totals(): DetectionTotals {
    return {
      last: this.#last,
      open: this.#open,
      rounds: this.#rounds,
      total: { ...this.#total },
      exact: { ...this.#exact },
      isSteady: this.#isSteady,
      hasUnjudged: this.#hasUnjudged,
      clients: this.#clients.detection(),
    };
  }

  /**
   * Lists the measures that are defined. There is no recall without contaminated clients, and no
   * precision without flags.
   */
  measures(): Measure[] {
    const last = this.#last;
    if (!last) return [];
    const { contaminated, hits, falseAlarms } = this.#total;
    const exact = this.#exact;
    const flagged = hits + falseAlarms;
    const share = (metric: string, part: number, whole: number, attack?: string) =>
      whole === 0 ? [] : [createDetectionMeasure(metric, part / whole, whole, attack)];
    const both = flagged + contaminated;
    const open = this.#undecided;
    return [
      ...(exact.of === 0 ? [] : [createDetectionMeasure("exactRounds", exact.rounds, exact.of)]),
      createDetectionMeasure("falseAlarms", last.falseAlarms, last.benign),
      createDetectionMeasure("falseAlarmsMean", falseAlarms / this.#rounds, this.#rounds),
      ...share("recall", last.hits, last.contaminated),
      ...share("precision", last.hits, last.hits + last.falseAlarms),
      ...share("recallMean", hits, contaminated),
      ...share("precisionMean", hits, flagged),
      createDetectionMeasure("undecided", open.last, open.judged),
      ...(last.contaminated === 0
        ? []
        : [
            createDetectionMeasure(
              "undecidedContaminated",
              this.#lastUndecided.contaminated,
              last.contaminated,
            ),
          ]),
      createDetectionMeasure("undecidedBenign", this.#lastUndecided.benign, last.benign),
      createDetectionMeasure("undecidedMean", open.clients / open.rounds, open.rounds),
      ...this.#clients.measures(),
      ...(both === 0 ? [] : [createDetectionMeasure("f1", (2 * hits) / both)]),
      ...[...this.#attacks]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([attack, own]) => share("recall", own.hits, own.contaminated, attack)),
    ];
  }
}

/** Detection measures of single verdicts, for which a binomial interval makes sense. */
const counted = new Set([
  "recall",
  "precision",
  "falseAlarms",
  "recallOfClients",
  "falseAlarmsOfClients",
  "undecidedContaminated",
  "undecidedBenign",
]);

/**
 * Counts the clients behind a detection measure: how many were flagged or undecided, of how many.
 * Undefined for other measures, and for sums over rounds, in which a client is judged again.
 */
export function countsOf({
  scope,
  metric,
  attack,
  value,
  n,
}: Measure): { readonly hits: number; readonly of: number } | undefined {
  if (scope !== "detection" || attack !== undefined || n === undefined) return undefined;
  if (!counted.has(metric)) return undefined;
  const isShare = metric.startsWith("recall") || metric === "precision";
  return { hits: isShare ? Math.round(value * n) : value, of: n };
}

function countUndecided(clients: readonly ClientRecord[]): OpenVerdicts["undecided"] {
  const undecided = clients.filter(({ verdict }) => verdict === "undecided");
  const reasons = new Set(undecided.map(({ reason }) => reason));
  const [reason] = reasons;
  return { count: undecided.length, reason: reasons.size === 1 ? reason : undefined };
}

function createDetectionMeasure(
  metric: string,
  value: number,
  n?: number,
  attack?: string,
): Measure {
  return createMeasure({
    scope: "detection",
    metric,
    ...(attack !== undefined && { attack }),
    value,
    ...(n !== undefined && { n }),
    ...meaningOf(metric, detectionInfos),
  });
}
