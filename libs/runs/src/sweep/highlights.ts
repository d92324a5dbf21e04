import { excludesZero } from "../measures/intervals.js";
import type { Measure } from "../measures/measure.js";
import { findMethods, listContests } from "./contests.js";
import { compareBySeed, type Difference } from "./differences.js";
import {
  compareBaselines,
  countUndecided,
  describeUndecided,
  findDetection,
  judgeBaseline,
  nameStudy,
} from "./findings.js";
import { listStudies, listSummaries, type MeasuredGrid, type MeasuredStudy } from "./grid.js";
import { aggregateCell, findWorseEnd, formatTie, isTie, valueOf, type Cell } from "./table.js";
import { listUnstoppedAttacks } from "./unstopped-attacks.js";

/** The topic of the attacks that no table and no finding names. */
export const attackTopic = "Attacks that get through";

/** What matters most about a whole sweep. */
export interface Highlight {
  /** What the sentences are about, such as `Best and worst`. */
  readonly topic: string;
  readonly texts: readonly string[];
}

/** More sentences, or more names in one, would not be read. */
const maxExtremes = 6;
const maxNames = 4;

/**
 * Summarises a sweep in a few sentences: which runs have no numbers, which studies are best and
 * worst in each measure, where clients are undecided, and which baselines serve the benign clients
 * better. A sweep of a single study has only the first.
 * @param differences of the sweep
 */
export function listHighlights(
  grid: MeasuredGrid,
  differences: readonly Difference[],
): Highlight[] {
  const all = listStudies(grid);
  const finished = all.filter(({ trials }) => listSummaries(trials).length > 0);
  const isSweep = all.length > 1;
  return [
    { topic: "No numbers", texts: describeMissing(all) },
    { topic: attackTopic, texts: isSweep ? listUnstoppedAttacks(grid) : [] },
    { topic: "Best and worst", texts: isSweep ? describeExtremes(grid) : [] },
    { topic: "Undecided", texts: isSweep ? describeDoubt(finished) : [] },
    { topic: "Baselines", texts: isSweep ? countBaselines(finished, differences) : [] },
  ].filter(({ texts }) => texts.length > 0);
}

/** Names the runs that have failed or have not been run. */
function describeMissing(studies: readonly MeasuredStudy[]): string[] {
  const total = studies.reduce((sum, { trials }) => sum + trials.length, 0);
  const incomplete = studies.flatMap((study) => {
    const missing = study.trials.filter(({ summary }) => !summary);
    return missing.length === 0 ? [] : [{ study, missing }];
  });
  const count = incomplete.reduce((sum, { missing }) => sum + missing.length, 0);
  if (count === 0) return [];
  const names = incomplete.map(({ study, missing }) => {
    const seeds = missing.map(({ seed }) => seed).join(", ");
    const isWhole = missing.length === study.trials.length;
    return isWhole ? nameStudy(study) : `${nameStudy(study)} with seed ${seeds}`;
  });
  const verb = count === 1 ? "has" : "have";
  return [`${count} of ${total} runs ${verb} none, failed or not run yet: ${joinNames(names)}.`];
}

/**
 * Names the best and the worst aggregator under the same conditions, or if aggregators do not vary
 * the best and the worst row of each column. Measures without a better end are left out.
 */
function describeExtremes(grid: MeasuredGrid): string[] {
  const contests = listContests(grid, findMethods(grid) ?? grid.rows).filter(
    // Rules without the verdict `undecided` would always be best.
    ({ measure }) => !measure.startsWith("detection.undecided"),
  );
  const texts = contests.flatMap(({ measure, place, methods }) => {
    const given = grid.measures.find((one) => one.measure === measure)?.worse;
    const worse = given ?? findWorseEnd(measure, grid.trials);
    const cells = methods.flatMap(({ name, bySeed }) => {
      const cell = aggregateCell([...bySeed.values()]);
      return cell ? [{ name, cell, bySeed }] : [];
    });
    const ascending = cells.toSorted((a, b) => valueOf(a.cell) - valueOf(b.cell));
    const [best, worst] = [
      ascending.at(worse === "high" ? 0 : -1),
      ascending.at(worse === "high" ? -1 : 0),
    ];
    if (!worse || !best || !worst || cells.length < 2) return [];
    const about = place === "" ? measure : `${measure}, ${place}`;
    const describe = (one: { readonly cell: Cell }) => {
      const equal = cells.filter(({ cell }) => isTie(cell, one.cell));
      const value = formatTie([one.cell, ...equal.map(({ cell }) => cell)]);
      if (equal.length === cells.length) return `${value} for all ${equal.length} studies`;
      return equal.length > 2
        ? `${value} for ${equal.length} of ${cells.length} studies`
        : `${value} for ${equal.map(({ name }) => name).join(" and ")}`;
    };
    if (isTie(best.cell, worst.cell)) return [`${about}: ${describe(best)}.`];
    return [
      `${about}: best ${describe(best)}; worst ${describe(worst)}${describeChance(best.bySeed, worst.bySeed)}.`,
    ];
  });
  const more = texts.length - maxExtremes;
  return more > 0
    ? [...texts.slice(0, maxExtremes), `The tables have ${more} more comparisons.`]
    : texts;
}

/** Says so if the best and the worst study may be equally good, as the differences do. */
function describeChance(
  best: ReadonlyMap<number, Measure>,
  worst: ReadonlyMap<number, Measure>,
): string {
  const interval = compareBySeed(best, worst)?.interval;
  return interval && !excludesZero(interval) ? "; not distinguishable" : "";
}

/** Names the studies in which the largest share of the clients is undecided. */
function describeDoubt(studies: readonly MeasuredStudy[]): string[] {
  const judging = studies.filter(({ trials }) =>
    ["recall", "falseAlarms", "undecided"].some(
      (metric) => findDetection(listSummaries(trials), metric).length > 0,
    ),
  );
  const open = judging
    .flatMap((study) => {
      const summaries = listSummaries(study.trials);
      const undecided = countUndecided(summaries);
      if (!undecided || undecided.mean === 0) return [];
      const [text = ""] = describeUndecided(summaries);
      return [{ share: undecided.mean / undecided.judged, text: `${nameStudy(study)} (${text})` }];
    })
    .sort((a, b) => b.share - a.share);
  if (open.length === 0) return [];
  const half = open.filter(({ share }) => share >= 0.5).length;
  const where = `${open.length} of the ${judging.length} studies that judge clients`;
  const halves = half === 0 ? "" : `, at least half of them in ${half}`;
  const most = open.length === 1 ? ":" : "; most for";
  return [`Some clients in ${where}${halves}${most} ${open[0]?.text ?? ""}.`];
}

/** Counts the studies in which a baseline serves the benign clients better, or as well. */
function countBaselines(
  studies: readonly MeasuredStudy[],
  differences: readonly Difference[],
): string[] {
  const judged = new Map<string, ReturnType<typeof judgeBaseline>[]>();
  for (const study of studies) {
    for (const comparison of compareBaselines(study, differences)) {
      const { label } = comparison;
      judged.set(label, [...(judged.get(label) ?? []), judgeBaseline(comparison)]);
    }
  }
  return [...judged].flatMap(([label, all]) => {
    const count = (wanted: string) => all.filter((one) => one === wanted).length;
    const [better, equal] = [count("better"), count("alike")];
    if (better + equal === 0) return [];
    const studies = `of ${all.length} studies`;
    const equally = equal > 0 ? ", as far as the seeds show" : "";
    const counts =
      better === 0
        ? `as well as the main arm in ${equal} ${studies}`
        : `better than the main arm in ${better} ${studies}${equal > 0 ? `, and as well in ${equal}` : ""}`;
    return [`${label} serves the benign clients ${counts}${equally}.`];
  });
}

function joinNames(names: readonly string[]): string {
  const more = names.length - maxNames;
  return [...names.slice(0, maxNames), ...(more > 0 ? [`and ${more} more studies`] : [])].join(
    "; ",
  );
}
