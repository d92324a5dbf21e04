import {
  DenseSum,
  type Aggregation,
  type AggregationStream,
  type Aggregator,
  type AggregatorInput,
  type Stream,
  type StreamedRound,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { countWeights } from "../weights.js";
import { toAggregation } from "./aggregation.js";
import { requireProperSubspace, withSecretSeed } from "./aggregator.js";
import { clair, type ClairResult } from "./clair.js";
import type { ClairOptions } from "./options.js";
import { refine } from "./refine.js";
import { threadsFor } from "./threads/module-pool.js";

/**
 * CLAIR for cohorts of any size (option `groupSize`). The cohort is split into random groups; each
 * is judged by itself, with the same steps as a whole cohort. Groups are random, so the positive
 * controls of the first one hold for all. The new params are the mean of the clients that take part
 * in what their groups share. Nothing is kept about a client after its group.
 */
export class GroupedClair implements Aggregator {
  readonly #options: ClairOptions;

  constructor(options: ClairOptions) {
    this.#options = options;
  }

  async aggregate(input: AggregatorInput): Promise<Aggregation> {
    const stream = this.stream(input);
    await stream.add(input.rng.at("order").sample(input.updates));
    return await stream.finish();
  }

  stream({ rng }: StreamedRound): AggregationStream {
    return new GroupStream(this.#options, rng);
  }
}

/** Judges updates that come in random order, group by group. */
class GroupStream implements AggregationStream {
  readonly #options: ClairOptions;
  readonly #size: number;
  readonly #rng: Stream;
  readonly #sum = new DenseSum();
  readonly #verdicts: Verdict[] = [];
  readonly #metrics = { groups: 0, contaminated: 0, inactive: 0 };
  /** The positive controls in the first group. Planting them takes most of a judgement. */
  #controls: ClairResult["controls"];
  #waiting: Update[] = [];
  #weight = 0;

  constructor(options: ClairOptions, rng: Stream) {
    this.#options = options;
    this.#size = options.groupSize ?? Infinity;
    this.#rng = rng;
  }

  async add(updates: readonly Update[]): Promise<void> {
    this.#waiting.push(...updates);
    // A group waits for the next one, so that the last group is not a small rest.
    while (this.#waiting.length >= 2 * this.#size) await this.#judge(this.#size);
  }

  async finish(): Promise<Aggregation> {
    const rest = this.#waiting.length;
    if (rest >= 1.5 * this.#size) await this.#judge(Math.ceil(rest / 2));
    await this.#judge(this.#waiting.length);
    return {
      change: this.#sum.over(this.#weight),
      verdicts: this.#verdicts,
      ...(this.#controls && { cleared: this.#controls.cleared }),
      metrics: this.#metrics,
    };
  }

  /** Judges the next clients, and adds their group's mean with its weight. */
  async #judge(count: number): Promise<void> {
    const updates = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    const options = withSecretSeed(this.#options, this.#rng.at("group", this.#metrics.groups));
    const context = { threads: threadsFor(updates, options), power: this.#controls?.power };
    const result = await clair(updates, options, context);
    try {
      this.#controls ??= result.controls;
      requireProperSubspace(result);
      const refined = await refine(result, options);
      const { change, verdicts = [], metrics } = toAggregation(updates, result, refined, options);
      const weight = sum(countWeights(result.benign, options.weighting));
      await this.#sum.add(change, weight);
      this.#weight += weight;
      this.#verdicts.push(...verdicts.map(shorten));
      this.#metrics.groups++;
      this.#metrics.contaminated += metrics?.["contaminated"] ?? 0;
      this.#metrics.inactive += metrics?.["inactive"] ?? 0;
    } finally {
      result.modules.close();
    }
  }
}

/** Keeps the evidence against flagged clients only: it would be most of the records otherwise. */
function shorten(verdict: Verdict): Verdict {
  if (verdict.status === "contaminated") return verdict;
  const { clientId, status, pooled, score, threshold, reason } = verdict;
  return { clientId, status, pooled, score, threshold, ...(reason !== undefined && { reason }) };
}
