import { excludesZero } from "../measures/intervals.js";
import type { Measure } from "../measures/measure.js";
import { valuesBySeed } from "./contests.js";
import { compareBySeed, formatDifference } from "./differences.js";
import { findDetection } from "./findings.js";
import {
  formatPlace,
  listStudies,
  listSummaries,
  otherDimensions,
  type MeasuredGrid,
  type MeasuredStudy,
} from "./grid.js";
import { aggregateCell, formatCounts, valueOf } from "./table.js";

/** More attacks in a sentence would not be read; the tables have all. */
const maxNamed = 4;

/** The label of a list without attacks. */
const nobody = "none";

/**
 * Names the attacks of a sweep that get through, for each aggregator or other setting. If the sweep
 * has a study without attackers, these attacks make the primary metric worse than in that study,
 * unless all of their clients are flagged: then what these would have contributed is missing.
 * Otherwise fewer than half of their clients are flagged.
 */
export function listUnstoppedAttacks(grid: MeasuredGrid): string[] {
  const attacks = otherDimensions(grid).find(({ path }) => /^attacks(\.|$)/.test(path));
  if (!attacks) return [];
  const settingOf = ({ at }: MeasuredStudy) =>
    formatPlace(new Map([...at].filter(([path]) => path !== attacks.path)));
  const studies = listStudies(grid).filter(({ trials }) => listSummaries(trials).length > 0);
  const texts = [...new Set(studies.map(settingOf))].flatMap((setting) => {
    const own = studies.filter((study) => settingOf(study) === setting);
    const labelOf = ({ at }: MeasuredStudy) => at.get(attacks.path) ?? "";
    const clean = own.find((study) => labelOf(study) === nobody);
    const attacked = own.filter((study) => study !== clean);
    const judged = attacked.map((study) => {
      const why = clean ? describeHarm(study, clean) : describeMissed(study);
      return why === undefined || why === "" ? why : `${labelOf(study)} (${why})`;
    });
    const about = setting === "" ? (own[0]?.trials[0].arms[0]?.label ?? "") : setting;
    const known = judged.filter((text) => text !== undefined);
    const found = known.filter((text) => text !== "");
    if (known.length === 0) return [];
    const rest = clean ? " does harm unflagged, as far as the seeds show" : "";
    const more = found.length - maxNamed;
    const named = [...found.slice(0, maxNamed), ...(more > 0 ? [`and ${more} more`] : [])];
    return found.length > 0
      ? [`${about}: ${named.join(", ")}.`]
      : [`${about}: none of ${known.length}${rest}.`];
  });
  const isCompared = studies.some(({ at }) => at.get(attacks.path) === nobody);
  return texts.length === 0 || isCompared
    ? texts
    : [...texts, "With [] among the attacks, this names those that do harm."];
}

/**
 * Describes how much worse the primary metric is than without attackers. Empty if it is not;
 * undefined if that is unknown.
 */
function describeHarm(study: MeasuredStudy, clean: MeasuredStudy): string | undefined {
  const { primary } = study.trials[0].measures;
  if (primary === undefined) return undefined;
  const recall = recallOf(study);
  if (recall?.counts && valueOf(recall) === 1) return "";
  for (const name of [primary, `global.${primary}`]) {
    const [attacked, unharmed] = [study, clean].map(({ trials }) => valuesBySeed(trials, name));
    const difference = attacked && unharmed && compareBySeed(attacked, unharmed);
    const [some]: Measure[] = [...(attacked?.values() ?? [])];
    const { interval } = difference ?? {};
    if (!some?.better || !difference || !interval) continue;
    const isWorse = difference.mean > 0 === (some.better === "lower") && excludesZero(interval);
    return isWorse ? `${name} ${formatDifference({ ...difference, interval })}` : "";
  }
  return undefined;
}

/** Counts the flagged clients. Empty if they are half or more; undefined if none are judged. */
function describeMissed(study: MeasuredStudy): string | undefined {
  const recall = recallOf(study);
  if (!recall?.counts) return undefined;
  return valueOf(recall) < 0.5 ? `flagged ${formatCounts(recall.counts)}` : "";
}

function recallOf({ trials }: MeasuredStudy) {
  return aggregateCell(findDetection(listSummaries(trials), "recall"));
}
