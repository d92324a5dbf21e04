import type { Measure } from "../measures/measure.js";
import type { Dimension } from "./expand.js";
import {
  formatPlace,
  listStudies,
  methodPath,
  otherDimensions,
  type Grid,
  type MeasuredGrid,
  type MeasuredStudy,
  type MeasuredTrial,
} from "./grid.js";
import { describedOnly, listTableMeasures, measureOf } from "./measures.js";

/** Methods that one measure compares under the same conditions, such as one attack. */
export interface Contest {
  /** A name without an arm, such as `accuracy`. */
  readonly measure: string;
  /** The conditions: the values of the other dimensions; empty if there are none. */
  readonly place: string;
  /** In the order of the file. */
  readonly methods: readonly Contestant[];
}

export interface Contestant {
  readonly name: string;
  /** Is it an oracle, which knows the truth? */
  readonly isOracle: boolean;
  readonly bySeed: ReadonlyMap<number, Measure>;
}

/** The dimension of aggregators; undefined if they do not vary. */
export function findMethods(grid: Pick<Grid, "dimensions">): Dimension | undefined {
  return otherDimensions(grid).find(({ path }) => path === methodPath);
}

/** Lists the contests between the values of a dimension: one for each measure and place. */
export function listContests(grid: MeasuredGrid, along: Dimension | undefined): Contest[] {
  if (!along) return [];
  const studies = listStudies(grid);
  const placeOf = ({ at }: MeasuredStudy) =>
    formatPlace(new Map([...at].filter(([path]) => path !== along.path)));
  const measures = listTableMeasures(grid);
  return [...new Set(studies.map(placeOf))].flatMap((place) => {
    const own = studies.filter((study) => placeOf(study) === place);
    return measures.map(({ measure }) => ({
      measure,
      place,
      methods: along.labels.flatMap((name): Contestant[] => {
        const study = own.find(({ at }) => at.get(along.path) === name);
        if (!study) return [];
        return [{ name, isOracle: false, bySeed: valuesBySeed(study.trials, measure) }];
      }),
    }));
  });
}

/** Lists the contests between the arms of each study: one for each metric of the task. */
export function listArmContests(grid: MeasuredGrid): Contest[] {
  return listStudies(grid).flatMap(({ at, trials }) => {
    const details = trials.flatMap(({ summary, measures }) => {
      const own = summary?.details.filter(
        ({ scope, comparison }) =>
          (scope === "clients" || scope === "global") && comparison === undefined,
      );
      return describedOnly(own ?? [], measures);
    });
    const names = new Set(details.map(nameMeasure));
    return [...names].map((measure): Contest => {
      const methods = trials[0].arms.map(({ label, benignOnly }) => {
        const bySeed = valuesBySeed(trials, `${measure}.${label}`);
        return { name: label, isOracle: benignOnly, bySeed };
      });
      return { measure, place: formatPlace(at), methods };
    });
  });
}

/** Names a measure of clients or of the coordinator without its arm. */
export function nameMeasure({ scope, metric }: Pick<Measure, "scope" | "metric">): string {
  return scope === "global" ? `global.${metric}` : metric;
}

/** Finds a measure in each run of a study that has it. */
export function valuesBySeed(
  trials: readonly MeasuredTrial[],
  name: string,
): ReadonlyMap<number, Measure> {
  return new Map(
    trials.flatMap((trial) => {
      const found = measureOf(trial, name);
      return found ? [[trial.seed, found] as const] : [];
    }),
  );
}
