import { clair, clairAggregator, threadsFor, type ClairOptions, type Power } from "@fedclair/clair";
import { UserError, type Aggregator, type Plugins, type Update } from "@fedclair/core";

/** A round in which nobody is contaminated. */
export interface HonestRound {
  readonly clients: number;
  /** Shares of planted attackers. */
  readonly flagged: Power;
  readonly notBenign: Power;
  readonly hasFalseAlarm: boolean;
}

/** Replaces the aggregator CLAIR by one that tells how many planted attackers each round finds. */
export function watchClair(plugins: Plugins, onRound: (round: HonestRound) => void): Plugins {
  const create = (options: ClairOptions): Aggregator => {
    const { rule, groupSize } = options;
    if (rule.by !== "evidence") {
      throw new UserError(
        `rule: expected evidence, got ${rule.by}: only rule evidence plants attackers`,
      );
    }
    const own = clairAggregator.create(options as never);
    return {
      async aggregate(input, state) {
        const { updates, rng } = input;
        const group =
          groupSize === undefined ? updates : rng.at("group").sample(updates).slice(0, groupSize);
        const round = await judgeHonest(group, options);
        if (round) onRound(round);
        return own.aggregate(input, state);
      },
    };
  };
  const aggregators = new Map(plugins.aggregators).set("clair", { ...clairAggregator, create });
  return { ...plugins, aggregators };
}

async function judgeHonest(
  updates: readonly Update[],
  options: ClairOptions,
): Promise<HonestRound | undefined> {
  const result = await clair(updates, options, { threads: threadsFor(updates, options) });
  try {
    const { judge, canFlag, verdicts } = result;
    if (!canFlag || judge.by !== "evidence") return undefined;
    const { controls } = judge;
    if (controls.flagged === undefined) return undefined;
    return {
      clients: verdicts.size,
      flagged: controls.flagged,
      notBenign: controls.power,
      hasFalseAlarm: [...verdicts.values()].some(({ status }) => status === "contaminated"),
    };
  } finally {
    result.modules.close();
  }
}
