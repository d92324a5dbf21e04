import type { Best } from "./best.js";
import type { Difference } from "./differences.js";
import { compareBaselines, judgeBaseline, nameStudy } from "./findings.js";
import { listStudies, listSummaries, type MeasuredGrid, type MeasuredStudy } from "./grid.js";
import { listUnstoppedAttacks } from "./unstopped-attacks.js";

/** The topic of the attacks that no table and no finding names. */
export const attackTopic = "Attacks that get through";

/** The topic of the best methods, which also have a table. */
export const bestTopic = "Best";

/** What matters most about a whole sweep. */
export interface Highlight {
  /** What the sentences are about. */
  readonly topic: string;
  readonly texts: readonly string[];
}

/** More sentences, or more names in one, would not be read. */
const maxBest = 6;
const maxNames = 4;

/**
 * Summarises a sweep in a few sentences: which runs have no numbers, which attacks get through,
 * which methods are best, and which baselines serve the benign clients better. A sweep of a single
 * study has only the first.
 * @param differences of the sweep, and `best` its best methods
 */
export function listHighlights(
  grid: MeasuredGrid,
  differences: readonly Difference[],
  best: readonly Best[],
): Highlight[] {
  const all = listStudies(grid);
  const finished = all.filter(({ trials }) => listSummaries(trials).length > 0);
  const isSweep = all.length > 1;
  return [
    { topic: "No numbers", texts: describeMissing(all) },
    { topic: attackTopic, texts: isSweep ? listUnstoppedAttacks(grid) : [] },
    { topic: bestTopic, texts: isSweep ? describeBest(best) : [] },
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

/** Names the best method under each of the conditions, and those not distinguishable from it. */
function describeBest(best: readonly Best[]): string[] {
  const texts = best.map(({ measure, place, methods, value, alike }) => {
    const about = place === "" ? measure : `${measure}, ${place}`;
    const others = alike.length > maxNames ? `${alike.length} others` : alike.join(", ");
    const rest = others === "" ? "" : `; not distinguishable: ${others}`;
    return `${about}: ${methods.join(", ")} with ${value}${rest}.`;
  });
  const more = texts.length - maxBest;
  return more > 0 ? [...texts.slice(0, maxBest), `The table of the best has ${more} more.`] : texts;
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
