import type { Measure } from "../measures/measure.js";
import { findMethods, listArmContests, listContests, type Contest } from "./contests.js";
import type { Difference } from "./differences.js";
import { listStudies, type MeasuredGrid } from "./grid.js";
import { aggregateCell, findWorseEnd, formatTie, isTie, valueOf, type Cell } from "./table.js";

/** The best method under the same conditions, for one measure. */
export interface Best {
  readonly measure: string;
  /** The conditions, such as `label-flip`; empty if there are none. */
  readonly place: string;
  /** Several if they have the same value. */
  readonly methods: readonly string[];
  /** The value of the best, such as `0.851 ± 0.012 (10)`. */
  readonly value: string;
  /** Methods that the seeds do not show to be worse. */
  readonly alike: readonly string[];
}

/**
 * Lists the best aggregator under the same conditions, and those not distinguishable from it. If
 * aggregators do not vary, lists the best arm of each study. Oracles do not take part.
 * @param differences between all of them
 */
export function listBest(grid: MeasuredGrid, differences: readonly Difference[]): Best[] {
  if (listStudies(grid).every(({ trials }) => trials.length < 2)) return []; // one seed shows none
  const rules = findMethods(grid);
  const contests = rules ? listContests(grid, rules) : listArmContests(grid).filter(isListed);
  return contests.flatMap((contest) => {
    const worse = findWorse(grid, contest);
    if (worse === undefined || contest.measure.startsWith("detection.undecided")) return [];
    const ranked = rankMethods(contest, worse);
    const [first, ...others] = ranked;
    if (!first || others.length === 0) return [];
    const equal = others.filter(({ cell }) => isTie(cell, first.cell));
    const { measure, place } = contest;
    const alike = others.filter((one) => !equal.includes(one) && !differ(first.name, one.name));
    return [
      {
        measure,
        place,
        methods: [first, ...equal].map(({ name }) => name),
        value: formatTie([first.cell, ...equal.map(({ cell }) => cell)]),
        alike: alike.map(({ name }) => name),
      },
    ];

    function differ(a: string, b: string): boolean {
      const pair = differences.find(
        (one) =>
          one.measure === measure &&
          one.place === place &&
          ((one.method === a && one.reference === b) || (one.method === b && one.reference === a)),
      );
      return pair !== undefined && pair.outcome !== "not distinguishable";
    }
  });

  /** Do the tables have the measure, of whatever arm? Without a list they have all. */
  function isListed({ measure: metric }: Contest): boolean {
    return (
      grid.measures.length === 0 ||
      grid.measures.some(({ measure }) => measure === metric || measure.startsWith(`${metric}.`))
    );
  }
}

function findWorse({ measures, trials }: MeasuredGrid, { measure, methods }: Contest) {
  const given = measures.find((one) => one.measure === measure)?.worse;
  const [some] = methods.flatMap(({ bySeed }): Measure[] => [...bySeed.values()]);
  return given ?? findWorseEnd(some?.name ?? measure, trials);
}

/** Lists the methods with a value, the best one first. */
function rankMethods(
  { methods }: Contest,
  worse: "low" | "high",
): readonly { readonly name: string; readonly cell: Cell }[] {
  const sign = worse === "low" ? -1 : 1;
  return methods
    .flatMap(({ name, isOracle, bySeed }) => {
      const cell = isOracle ? undefined : aggregateCell([...bySeed.values()]);
      return cell ? [{ name, cell }] : [];
    })
    .sort((a, b) => (isTie(a.cell, b.cell) ? 0 : sign * (valueOf(a.cell) - valueOf(b.cell))));
}
