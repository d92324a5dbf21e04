import { countThreads } from "#clair-platform";
import {
  DenseSum,
  yieldToEventLoop,
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
import { countWeights } from "@fedclair/rules";
import { clair, requireProperSubspace } from "./clair.js";
import type { Power } from "./judge/controls.js";
import {
  clairThreads,
  threadsFor,
  type GroupUpdate,
  type JudgedGroup,
} from "./modules/module-pool.js";
import { withSecretSeed, type ClairOptions } from "./options.js";
import { refine, toAggregation } from "./refine.js";
import { shareDelta } from "./updates/shared-memory.js";

/**
 * CLAIR for cohorts of any size (option `groupSize`). The cohort is split into random groups; each
 * is judged by itself, with the same steps as a whole cohort. Groups are random, so the positive
 * controls of the first one hold for all. The new params are the mean of the clients that take part
 * in what their groups share. Nothing is kept about a client after its group.
 */
export class GroupedClair implements Aggregator {
  readonly #options: ClairOptions;
  readonly #atOnce: number;

  /** @param atOnce number of groups that are judged at the same time */
  constructor(options: ClairOptions, atOnce = groupsAtOnce) {
    this.#options = options;
    this.#atOnce = atOnce;
  }

  async aggregate(input: AggregatorInput): Promise<Aggregation> {
    const stream = this.stream(input);
    await stream.add(input.rng.at("order").sample(input.updates));
    return await stream.finish();
  }

  stream({ rng }: StreamedRound): AggregationStream {
    return new GroupStream(this.#options, rng, this.#atOnce);
  }
}

/**
 * Judges updates that come in random order, several groups at once. The results are added in the
 * order of the groups, so that they do not depend on the number of threads.
 */
class GroupStream implements AggregationStream {
  readonly #options: ClairOptions;
  readonly #size: number;
  readonly #rng: Stream;
  readonly #atOnce: number;
  readonly #sum = new DenseSum();
  readonly #verdicts: Verdict[] = [];
  readonly #metrics = { groups: 0, contaminated: 0, inactive: 0 };
  /** The positive controls in the first group. Planting them takes most of a judgement. */
  #controls: JudgedGroup["controls"];
  /** What the first group with a notice says. */
  #notice: string | undefined;
  #waiting: Update[] = [];
  #weight = 0;

  constructor(options: ClairOptions, rng: Stream, atOnce: number) {
    this.#options = options;
    this.#size = options.groupSize ?? Infinity;
    this.#rng = rng;
    this.#atOnce = atOnce;
  }

  async add(updates: readonly Update[]): Promise<void> {
    this.#waiting.push(...updates);
    // A group waits for the next one, so that the last group is not a small rest.
    const groups: Update[][] = [];
    while (this.#waiting.length >= 2 * this.#size) groups.push(this.#waiting.splice(0, this.#size));
    await this.#judgeAll(groups);
  }

  async finish(): Promise<Aggregation> {
    const rest = this.#waiting.length;
    const half = rest >= 1.5 * this.#size ? Math.ceil(rest / 2) : rest;
    const groups = [this.#waiting.splice(0, half), this.#waiting];
    await this.#judgeAll(groups.filter(({ length }) => length > 0));
    return {
      change: this.#sum.over(this.#weight),
      verdicts: this.#verdicts,
      ...(this.#controls && { cleared: this.#controls.cleared }),
      metrics: this.#metrics,
      ...(this.#notice !== undefined && { notice: this.#notice }),
    };
  }

  async #judgeAll(groups: readonly (readonly Update[])[]): Promise<void> {
    const { by } = this.#options.rule;
    for (let from = 0; from < groups.length;) {
      const isFirst = by === "evidence" && this.#controls === undefined;
      const some = groups.slice(from, from + (isFirst ? 1 : this.#atOnce));
      from += some.length;
      const judged = await Promise.allSettled(
        some.map((updates, i) => {
          const rng = this.#rng.at("group", this.#metrics.groups + i);
          return judgeGroup(updates, withSecretSeed(this.#options, rng), this.#controls?.power, i);
        }),
      );
      for (const one of judged) {
        if (one.status === "rejected") throw one.reason;
        await this.#add(one.value);
      }
    }
  }

  /** Adds a group's mean with its weight. */
  async #add({ change, weight, verdicts, contaminated, inactive, controls, notice }: JudgedGroup) {
    this.#controls ??= controls;
    this.#notice ??= notice;
    await this.#sum.add(change, weight);
    this.#weight += weight;
    this.#verdicts.push(...verdicts);
    this.#metrics.groups++;
    this.#metrics.contaminated += contaminated;
    this.#metrics.inactive += inactive;
  }
}

/**
 * Number of groups that are judged at once. Clients train at the same time, but they wait for each
 * other; one thread less left a sixth of two cores idle.
 */
const groupsAtOnce = Math.max(1, countThreads());

/**
 * Judges a group of clients: here if it is small, otherwise in another thread. The result is the
 * same to the bit.
 * @param turn 0 … `groupsAtOnce` - 1, which selects the thread
 */
export async function judgeGroup(
  updates: readonly Update[],
  options: ClairOptions,
  power: Power | undefined,
  turn: number,
): Promise<JudgedGroup> {
  if (threadsFor(updates, options) === 0)
    return await new ClientGroup(updates, options).judge(power);
  const posted: GroupUpdate[] = [];
  for (const { clientId, numExamples, delta } of updates) {
    posted.push({ clientId, numExamples, delta: shareDelta(delta) });
    await yieldToEventLoop();
  }
  const group = clairThreads.at(turn).host("clients", posted, options);
  try {
    return await group.ask("judge", power);
  } finally {
    group.drop();
  }
}

/** A group of clients that is judged by itself, in the thread that holds it. */
export class ClientGroup {
  readonly #updates: readonly Update[];
  readonly #options: ClairOptions;

  constructor(updates: readonly GroupUpdate[], options: ClairOptions) {
    this.#updates = updates.map((update) => ({ ...update, metrics: {} }));
    this.#options = options;
  }

  /**
   * Runs all steps of CLAIR.
   * @param power the power of positive controls, if it is known
   * @throws UserError if no module has two axes or more, or if the spaces have all dimensions
   */
  async judge(power: Power | undefined): Promise<JudgedGroup> {
    const [updates, options] = [this.#updates, this.#options];
    const result = await clair(updates, options, { power });
    const { judge } = result;
    try {
      requireProperSubspace(result);
      const refined = await refine(result, options);
      const {
        change,
        verdicts = [],
        metrics,
        notice,
      } = toAggregation(updates, result, refined, options);
      return {
        change,
        notice,
        weight: sum(countWeights(result.pooled, options.weighting)),
        verdicts: verdicts.map(shorten),
        contaminated: metrics?.["contaminated"] ?? 0,
        inactive: metrics?.["inactive"] ?? 0,
        controls:
          judge.by === "evidence"
            ? { power: judge.controls.power, cleared: judge.controls.cleared }
            : undefined,
      };
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
