import type { ClientRecord } from "@fedclair/core/internal";
import { meaningOf, named, type Measure, type MetricInfos } from "./measure.js";
import { isFlagged, clientTruth, type Truth } from "./truth.js";

/** How the verdicts of a round meet the truth. */
export interface Detection {
  /** Judged clients that are contaminated; undecided ones are among them. */
  readonly contaminated: number;
  /** Judged clients that are benign. */
  readonly benign: number;
  readonly caught: number;
  readonly falseAlarms: number;
  /** Clients that were judged though nobody knows the truth: neither hits nor false alarms. */
  readonly unknown: { readonly judged: number; readonly flagged: number };
}

/** Of one round; undefined without verdicts. Clients that never reached the aggregator (late, refused) do not count. */
export function roundDetection(clients: readonly ClientRecord[]): Detection | undefined {
  const judged = clients.filter(({ verdict }) => verdict !== undefined);
  if (judged.length === 0) return undefined;
  const flagged = judged.filter(isFlagged);
  const count = (some: readonly ClientRecord[], truth: ReturnType<typeof clientTruth>) =>
    some.filter((client) => clientTruth(client) === truth).length;
  return {
    contaminated: count(judged, "contaminated"),
    benign: count(judged, "benign"),
    caught: count(flagged, "contaminated"),
    falseAlarms: count(flagged, "benign"),
    unknown: { judged: count(judged, "unknown"), flagged: count(flagged, "unknown") },
  };
}

/** Exactly the contaminated clients were flagged; undefined of a round in which there was none to flag. */
export function isExact({ contaminated, caught, falseAlarms }: Detection): boolean | undefined {
  return contaminated === 0 ? undefined : caught === contaminated && falseAlarms === 0;
}

/** What the measures of detection mean. */
export const detectionInfos: MetricInfos = {
  exactRounds: {
    better: "higher",
    unit: "rounds",
    description:
      "rounds in which exactly the contaminated clients were flagged, of those that judged one",
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
  undecidedMean: {
    unit: "clients",
    description: "clients of which the aggregator could not tell, mean over rounds",
  },
  recallOfClients: {
    better: "higher",
    description: "share of all contaminated clients that were flagged when last judged",
  },
  falseAlarmsOfClients: {
    better: "lower",
    unit: "clients",
    description: "of all benign clients those that were flagged when last judged",
  },
};

/** Every client as it was judged last, where rounds judge different ones. */
class LastJudged {
  readonly #last = new Map<string, { readonly truth: Truth; readonly flagged: boolean }>();
  #most = 0;

  add(clients: readonly ClientRecord[]): void {
    const judged = clients.filter(({ verdict }) => verdict !== undefined);
    for (const client of judged) {
      this.#last.set(client.clientId, { truth: clientTruth(client), flagged: isFlagged(client) });
    }
    this.#most = Math.max(this.#most, judged.length);
  }

  /** Undefined of a trial that judges the same clients in every round. */
  detection(): Omit<Detection, "unknown"> | undefined {
    if (this.#last.size <= this.#most) return undefined;
    const all = [...this.#last.values()];
    const of = (truth: Truth) => all.filter((client) => client.truth === truth);
    const [contaminated, benign] = [of("contaminated"), of("benign")];
    const flagged = (some: typeof all) => some.filter((client) => client.flagged).length;
    return {
      ...{ contaminated: contaminated.length, benign: benign.length },
      ...{ caught: flagged(contaminated), falseAlarms: flagged(benign) },
    };
  }

  measures(): Measure[] {
    const seen = this.detection();
    if (!seen) return [];
    const { contaminated, benign, caught, falseAlarms } = seen;
    return [
      ...(contaminated === 0
        ? []
        : [measure("recallOfClients", caught / contaminated, contaminated)]),
      measure("falseAlarmsOfClients", falseAlarms, benign),
    ];
  }
}

/** Verdicts of all rounds against the truth. */
export interface Detected {
  /** Of the last round that judged a client whose truth is known; undefined where none did. */
  readonly last: Detection | undefined;
  /** Rounds that did. */
  readonly rounds: number;
  /** Over those rounds. */
  readonly total: Omit<Detection, "unknown">;
  /** Of the rounds with somebody to flag, in how many exactly those were? */
  readonly exact: { readonly rounds: number; readonly of: number };
  /** Did every round catch as many of as many? */
  readonly isSteady: boolean;
  /** Was a contaminated client ever not judged? */
  readonly hasUnjudged: boolean;
  /** Every client as it was judged last; undefined where all rounds judge the same ones. */
  readonly clients: Omit<Detection, "unknown"> | undefined;
  /** Of the last round that judged anybody; undefined where none did. */
  readonly open: Open | undefined;
}

/** What a round's verdicts leave open. */
interface Open extends Pick<Detection, "unknown"> {
  /** The clients that are undecided, and the reason that all of them share, if they do. */
  readonly undecided: { readonly count: number; readonly reason: string | undefined };
}

/** Counts verdicts against the truth while rounds come in. */
export class DetectionTally {
  #last: Detection | undefined;
  #open: Open | undefined;
  #rounds = 0;
  readonly #undecided = { clients: 0, rounds: 0 };
  #isSteady = true;
  #hasUnjudged = false;
  readonly #total = { contaminated: 0, benign: 0, caught: 0, falseAlarms: 0 };
  readonly #exact = { rounds: 0, of: 0 };
  readonly #attacks = new Map<string, { caught: number; contaminated: number }>();
  readonly #clients = new LastJudged();

  add(clients: readonly ClientRecord[]): void {
    this.#hasUnjudged ||= clients.some(
      ({ attack, verdict }) => attack !== null && verdict === undefined,
    );
    const detection = roundDetection(clients);
    if (!detection) return;
    const undecided = undecidedOf(clients);
    this.#open = { unknown: detection.unknown, undecided };
    this.#undecided.clients += undecided.count;
    this.#undecided.rounds++;
    if (detection.contaminated + detection.benign === 0) return;
    const { contaminated, benign, caught, falseAlarms } = detection;
    const before = this.#last ?? detection;
    this.#isSteady &&= caught === before.caught && contaminated === before.contaminated;
    this.#last = detection;
    this.#clients.add(clients);
    this.#rounds++;
    this.#total.contaminated += contaminated;
    this.#total.benign += benign;
    this.#total.caught += caught;
    this.#total.falseAlarms += falseAlarms;
    const exact = isExact(detection);
    if (exact !== undefined) this.#exact.of++;
    if (exact === true) this.#exact.rounds++;
    for (const client of clients) {
      if (client.attack === null || client.verdict === undefined) continue;
      const own = this.#attacks.get(client.attack) ?? { caught: 0, contaminated: 0 };
      own.contaminated++;
      if (isFlagged(client)) own.caught++;
      this.#attacks.set(client.attack, own);
    }
  }

  detected(): Detected {
    return {
      ...{ last: this.#last, open: this.#open, rounds: this.#rounds },
      ...{ total: { ...this.#total }, exact: { ...this.#exact } },
      ...{ isSteady: this.#isSteady, hasUnjudged: this.#hasUnjudged },
      clients: this.#clients.detection(),
    };
  }

  /** Those that can be had: no recall without contaminated clients, no precision without flags. */
  measures(): Measure[] {
    const last = this.#last;
    if (!last) return [];
    const { contaminated, caught, falseAlarms } = this.#total;
    const exact = this.#exact;
    const flagged = caught + falseAlarms;
    const share = (metric: string, part: number, whole: number, attack?: string) =>
      whole === 0 ? [] : [measure(metric, part / whole, whole, attack)];
    const both = flagged + contaminated;
    const open = this.#undecided;
    return [
      ...(exact.of === 0 ? [] : [measure("exactRounds", exact.rounds, exact.of)]),
      measure("falseAlarms", last.falseAlarms, last.benign),
      measure("falseAlarmsMean", falseAlarms / this.#rounds, this.#rounds),
      ...share("recall", last.caught, last.contaminated),
      ...share("precision", last.caught, last.caught + last.falseAlarms),
      ...share("recallMean", caught, contaminated),
      ...share("precisionMean", caught, flagged),
      ...(open.clients === 0
        ? []
        : [measure("undecidedMean", open.clients / open.rounds, open.rounds)]),
      ...this.#clients.measures(),
      ...(both === 0 ? [] : [measure("f1", (2 * caught) / both)]),
      ...[...this.#attacks]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([attack, own]) => share("recall", own.caught, own.contaminated, attack)),
    ];
  }
}

function undecidedOf(clients: readonly ClientRecord[]): Open["undecided"] {
  const undecided = clients.filter(({ verdict }) => verdict === "undecided");
  const reasons = new Set(undecided.map(({ reason }) => reason));
  const [reason] = reasons;
  return { count: undecided.length, reason: reasons.size === 1 ? reason : undefined };
}

function measure(metric: string, value: number, n?: number, attack?: string): Measure {
  return named({
    ...{ scope: "detection", metric, ...(attack !== undefined && { attack }) },
    ...{ value, ...(n !== undefined && { n }), ...meaningOf(metric, detectionInfos) },
  });
}
