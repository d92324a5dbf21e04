// Compares two results of a bench.

/** A median must move by more than this share, however steady the samples are. */
const minShare = 0.05;
/** A median must move by more than this many robust deviations of either side. */
const minDeviations = 3;

/** @param {readonly number[]} values at least one */
export function median(values) {
  const sorted = values.toSorted((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The median distance from the median times 1.4826, which for normal noise is its deviation. */
export function robustDeviation(values) {
  const middle = median(values);
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)));
}

/** @throws Error if it does not have the parts of a result of `writeResult` that are compared */
export function checkResult(result) {
  const isRow = (row) => {
    const sides = Object.values(row?.sides ?? {});
    return sides.length > 0 && sides.every(({ samples }) => samples?.length > 0);
  };
  if (result?.machine && Array.isArray(result.rows) && result.rows.every(isRow)) return result;
  throw new Error("expected { machine, rows }, each row with samples, as npm run bench writes");
}

/**
 * Compares side `fedclair` of every row that both results have. It is slower (or faster) if the
 * medians differ by more than three robust deviations of both, and by more than 5 % of the first.
 * @param {{ rows: readonly { suite: string, name: string, sides: Record<string, { samples: readonly
 *   number[] }> }[] }} before
 * @returns {{ rows: { name: string, before: number, after: number, change: "slower" | "faster" |
 *   "same",
 *   others: Record<string, [number, number]> }[], missing: string[] }}
 *   medians in ms. `others` has the medians of the other sides. Their code did not change, so that
 *   a
 *   difference is due to the machine. `missing` lists the rows that only one of the two has.
 */
export function compareResults(before, after) {
  const [old, now] = [before, after].map(
    ({ rows }) =>
      new Map(
        rows
          .filter(({ sides }) => sides.fedclair)
          .map((row) => [`${row.suite}: ${row.name}`, row.sides]),
      ),
  );
  const both = [...old.keys()].filter((name) => now.has(name));
  return {
    rows: both.map((name) => compareRow(name, old.get(name), now.get(name))),
    missing: [...old.keys(), ...now.keys()].filter((name) => !both.includes(name)),
  };
}

function compareRow(name, old, now) {
  const others = Object.keys(old).filter((side) => side !== "fedclair" && now[side]);
  const medians = others.map((side) => [side, [old, now].map((of) => median(of[side].samples))]);
  const own = compareSamples(old.fedclair.samples, now.fedclair.samples);
  return { name, ...own, others: Object.fromEntries(medians) };
}

function compareSamples(old, now) {
  const [before, after] = [median(old), median(now)];
  const noise = minDeviations * Math.max(robustDeviation(old), robustDeviation(now));
  const isClear = Math.abs(after - before) > Math.max(noise, minShare * before);
  return { before, after, change: isClear ? (after > before ? "slower" : "faster") : "same" };
}

/** Lists the conditions in which two results differ, as text. */
export function listDifferences(before, after) {
  return ["cpu", "cores", "node"]
    .filter((key) => before.machine[key] !== after.machine[key])
    .map((key) => `${key}: ${before.machine[key]} and ${after.machine[key]}`);
}
