import { maxOf, minOf } from "@fedclair/runs/numbers";
import type { RoundsData } from "../../src/data/rounds.js";

/** The width of a letter and the height of a line in the names at marks, in pixels. */
export const [letterWidth, lineHeight] = [6.6, 12];
/** The height of a row; rows of contaminated clients grow with the names in them. */
const [minHeight, maxHeight] = [44, 120];

/** What the strips of all rounds of a run have in common, so that marks move and axes do not. */
export interface StripFrame extends Pick<RoundsData, "names" | "truths"> {
  /** The lowest and the highest ratio. */
  readonly ratios: readonly [low: number, high: number];
  /** The attacks, and then the benign clients: a row each. */
  readonly rows: readonly Row[];
  /** The room that the longest name takes, in pixels. */
  readonly nameWidth: number;
}

interface Row {
  readonly truth: string;
  readonly top: number;
  readonly height: number;
  /** The clients of all rounds. */
  readonly clients: readonly number[];
}

/**
 * @param ratios scores over thresholds of all rounds, or the ends of their range; only finite ones
 * count
 */
export function createFrame(
  { names, truths }: Pick<RoundsData, "names" | "truths">,
  clients: readonly number[],
  ratios: readonly number[],
): StripFrame {
  const truthOf = (index: number) => truths[index] ?? "benign";
  const kinds = [...new Set(clients.map(truthOf))];
  let top = 0;
  const rows = kinds
    .sort((a, b) => Number(a === "benign") - Number(b === "benign"))
    .map((truth): Row => {
      const own = clients.filter((index) => truthOf(index) === truth);
      const named = truth === "benign" ? 0 : own.length * (lineHeight + 1);
      const height = Math.min(maxHeight, Math.max(minHeight, named + 8));
      const row = { truth, top, height, clients: own };
      top += height;
      return row;
    });
  const known = ratios.filter(Number.isFinite);
  return {
    names,
    truths,
    ratios: [minOf([0.8, ...known]), maxOf([1.25, ...known])],
    rows,
    nameWidth: letterWidth * maxOf([0, ...clients.map((index) => names[index]?.length ?? 0)]),
  };
}
