import type { RoundRecord, Trial } from "@fedclair/core/internal";
import { readRoundMetric } from "./evaluation.js";
import { meaningOf, createMeasure, type Measure, type MetricInfos } from "./measure.js";

/** Measures while rounds come in how long an arm took and when it reached the trial's target. */
export class TimeTally {
  readonly #target: Trial["target"];
  readonly #isLower: boolean;
  #clock: number | undefined;
  #reached: Pick<RoundRecord, "round" | "clock"> | undefined;

  constructor(target: Trial["target"], infos: MetricInfos) {
    this.#target = target;
    this.#isLower = target !== undefined && meaningOf(target.metric, infos).better === "lower";
  }

  add(record: RoundRecord): void {
    const { round, clock } = record;
    this.#clock = clock;
    if (!this.#target || this.#reached) return;
    const { metric, value } = this.#target;
    const own = readRoundMetric(record, metric);
    if (own !== undefined && (this.#isLower ? own <= value : own >= value))
      this.#reached = { round, ...(clock !== undefined && { clock }) };
  }

  measures(arm: string): Measure[] {
    const measure = (
      scope: "time" | "target",
      metric: "seconds" | "rounds",
      value: number | undefined,
    ) => {
      const unit = metric === "seconds" ? "s" : metric;
      return value === undefined
        ? []
        : [createMeasure({ arm, better: "lower", unit, scope, metric, value })];
    };
    return [
      ...measure("time", "seconds", this.#clock),
      ...measure("target", "rounds", this.#reached?.round),
      ...measure("target", "seconds", this.#reached?.clock),
    ];
  }
}
