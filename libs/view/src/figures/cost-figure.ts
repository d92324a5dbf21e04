import {
  byteUnits,
  maxOf,
  armRecords,
  timeUnits,
  chooseUnit,
  type Run,
  type Unit,
} from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { createSpec, isNarrow } from "./figure-style.js";
import { groupBy } from "./group-by.js";
import { commonRounds } from "./rounds.js";

interface Cost {
  readonly arm: string;
  readonly round: number;
  /** A stage of the round or a direction of traffic. */
  readonly part: string;
  readonly value: number;
}

const stages = ["train", "aggregate", "evaluate"] as const;
const directions = ["down", "up"] as const;
const colours = ["#7a8fa6", "#d9a441", "#b9c4ce"];
/** Up to this number of rounds each one gets a bar. */
const maxBars = 20;

/**
 * One column per arm: the seconds of every stage, and the bytes to and from the clients, round by
 * round.
 */
export function costFigure(run: Run, figureWidth: number): TopLevelSpec | undefined {
  // On a shared axis, stacked areas drop to zero in rounds that only one arm has.
  const rounds = commonRounds(run.arms.map(({ label }) => armRecords(run, label)));
  const isShown = ({ round }: { readonly round: number }) => rounds.has(round);
  const seconds = run.timings.drawn
    .filter(isShown)
    .flatMap(({ arm, round, seconds: spent }) =>
      stages.map((part): Cost => ({ arm, round, part, value: spent[part] })),
    );
  const traffic = run.drawn
    .filter(isShown)
    .flatMap(({ arm, round, bytes }) =>
      directions.map((part): Cost => ({ arm, round, part, value: bytes[part] })),
    );
  const rows = [
    { what: "time", costs: seconds, units: timeUnits, parts: stages },
    { what: "traffic", costs: traffic, units: byteUnits, parts: directions },
  ].filter(({ costs }) => costs.length > 0);
  if (rows.length === 0) return undefined;
  const arms = run.arms
    .map(({ label }) => label)
    .filter((label) => rows.some((r) => r.costs.some((c) => c.arm === label)));
  return createSpec({
    vconcat: rows.map(({ what, costs, units, parts }) => {
      const unit = chooseUnit(largestTotal(costs), units);
      const scale = { domain: parts, range: colours.slice(0, parts.length) };
      return createColumns(costs, unit, arms, what, scale, figureWidth);
    }),
    resolve: { scale: { color: "independent" } },
  });
}

function createColumns(
  costs: readonly Cost[],
  unit: Unit,
  arms: readonly string[],
  what: string,
  scale: object,
  figureWidth: number,
): object {
  const rounds = maxOf(costs.map(({ round }) => round));
  const columns = Math.min(arms.length, isNarrow(figureWidth) ? 2 : 5);
  const many = rounds > maxBars;
  return {
    data: {
      values: costs.map((cost) => {
        return { ...cost, value: cost.value / unit.worth, place: arms.indexOf(cost.arm) };
      }),
    },
    // Sort by a field instead of a list of names: Vega derives field names from such a list, which
    // fails for an arm called `constructor`.
    facet: { field: "arm", type: "nominal", sort: { field: "place", op: "min" } },
    columns,
    spacing: 16,
    spec: {
      width: Math.min(240, Math.floor((figureWidth - 60) / columns) - 16),
      height: 110,
      mark: {
        type: many ? "area" : "bar",
        // A field instead of an expression would be one more thing that areas are stacked by.
        description: {
          expr: `datum.part + ", round " + datum.round + ": " + format(datum.value, ".3~g") + " ${unit.name}"`,
        },
      },
      encoding: {
        x: many
          ? { field: "round", type: "quantitative", title: "round", axis: { grid: false } }
          : {
              field: "round",
              type: "ordinal",
              title: "round",
              axis: { labelAngle: 0, labelOverlap: true },
            },
        y: {
          field: "value",
          type: "quantitative",
          title: `${what} a round, ${unit.name}`,
          axis: { tickCount: 4 },
        },
        color: { field: "part", type: "nominal", scale },
        order: { field: "part", sort: "descending" },
      },
    },
  };
}

function largestTotal(costs: readonly Cost[]): number {
  const rounds = groupBy(costs, ({ round, arm }) => [round, arm]);
  return maxOf(rounds.map((parts) => parts.reduce((sum, { value }) => sum + value, 0)));
}
