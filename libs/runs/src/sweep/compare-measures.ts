import type { Arm, Trial } from "@fedclair/core/internal";
import { isInRange } from "../words/numbers.js";
import { meanInterval } from "../measures/intervals.js";
import type { Summary } from "../measures/summary.js";
import { findMeasure } from "./measures.js";

/** A measure beside its expected range. */
interface Compared {
  readonly within: boolean;
  readonly text: string;
}

type Range = NonNullable<Trial["expect"]>["measures"][string];

/**
 * Compares each expected measure with the values of all seeds, with their mean, or with the 95 %
 * interval of the mean. A claim does not hold over lost answers, so a loss without a range of its
 * own lies outside.
 * @param arms of the trial: a measure named without an arm is that of the first one
 */
export function compareMeasures(
  { expect }: Pick<Trial, "expect">,
  summaries: readonly Pick<Summary, "measures" | "details">[],
  arms: readonly Pick<Arm, "label">[] = [],
): Compared[] {
  const losses = summaries.flatMap(({ details }) =>
    details.filter(({ scope, value }) => scope === "lost" && value > 0).map(({ name }) => name),
  );
  const ranges: NonNullable<Trial["expect"]>["measures"] = {
    ...Object.fromEntries([...new Set(losses)].map((name) => [name, { max: 0 }])),
    ...expect?.measures,
  };
  return Object.entries(ranges).map(([measure, range]) => {
    const values = summaries.map((summary) => findMeasure(summary, measure, { arms })?.value);
    const { within, measured } = compareValues(values, range);
    return { within, text: `${measure}: ${measured}; expected ${formatRange(range)}` };
  });
}

/** Compares the values of a measure, one per seed, with its range. */
function compareValues(
  values: readonly (number | undefined)[],
  range: Range,
): { readonly within: boolean; readonly measured: string } {
  const { of = "every" } = range;
  const each = values
    .map((value) => (value === undefined ? "absent" : formatShort(value)))
    .join(", ");
  const known = values.filter((value) => value !== undefined);
  if (of === "every" || known.length < values.length || known.length === 0) {
    const within = values.every((value) => isInRange(value, range));
    return { within, measured: `measured ${each}` };
  }
  const { mean, n, interval } = meanInterval(known);
  if (of === "mean")
    return {
      within: isInRange(mean, range),
      measured: `measured mean ${formatShort(mean)} (${n})`,
    };
  if (!interval)
    return { within: false, measured: `measured ${each}, and one seed has no interval` };
  const { low, high } = interval;
  return {
    within: isInRange(low, range) && isInRange(high, range),
    measured: `measured mean ${formatShort(mean)} [${formatShort(low)}, ${formatShort(high)}] (${n})`,
  };
}

function formatRange({ min, max, of = "every" }: Range): string {
  const range = [min === undefined ? "" : `≥ ${min}`, max === undefined ? "" : `≤ ${max}`]
    .filter(Boolean)
    .join(" and ");
  if (of === "every") return range;
  return of === "mean" ? `mean ${range}` : `95 % interval ${range}`;
}

function formatShort(value: number): string {
  return String(Number(value.toPrecision(4)));
}
