// What two results of benches differ by beyond noise.

/** A median must move by more than this share of itself, however steady the samples are. */
const leastShare = 0.05;
/** And by more than so many robust deviations of either side. */
const deviations = 3;

/** @param {readonly number[]} values at least one */
export function median(values) {
  const sorted = values.toSorted((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The median distance from the median, times 1.4826: of normal noise, its standard deviation. */
export function robustDeviation(values) {
  const middle = median(values);
  return 1.4826 * median(values.map((value) => Math.abs(value - middle)));
}

/** @throws Error unless it is a result as `keep` writes it, as far as it is compared */
export function checkedResult(result) {
  const isRow = (row) => {
    const sides = Object.values(row?.sides ?? {});
    return sides.length > 0 && sides.every(({ samples }) => samples?.length > 0);
  };
  if (result?.machine && Array.isArray(result.rows) && result.rows.every(isRow)) return result;
  throw new Error("expected { machine, rows }, each row with samples, as npm run bench writes");
}

/**
 * Of every row that both results have, how its side `fedclair` moved. It is slower (or faster) if the medians differ by more than
 * three robust deviations of both, and by more than 5 % of the first.
 * @param {{ rows: readonly { suite: string, name: string, sides: Record<string, { samples: readonly number[] }> }[] }} before
 * @returns {{ rows: { name: string, before: number, after: number, change: "slower" | "faster" | "same",
 *   others: Record<string, [number, number]> }[], missing: string[] }}
 *   medians in ms; others: those of the other sides, which did not change: what moved them is the machine; missing: rows that one of
 *   the two lacks
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
    rows: both.map((name) => rowOf(name, old.get(name), now.get(name))),
    missing: [...old.keys(), ...now.keys()].filter((name) => !both.includes(name)),
  };
}

function rowOf(name, old, now) {
  const others = Object.keys(old).filter((side) => side !== "fedclair" && now[side]);
  const medians = others.map((side) => [side, [old, now].map((of) => median(of[side].samples))]);
  const own = moved(old.fedclair.samples, now.fedclair.samples);
  return { name, ...own, others: Object.fromEntries(medians) };
}

function moved(old, now) {
  const [before, after] = [median(old), median(now)];
  const noise = deviations * Math.max(robustDeviation(old), robustDeviation(now));
  const isClear = Math.abs(after - before) > Math.max(noise, leastShare * before);
  return { before, after, change: isClear ? (after > before ? "slower" : "faster") : "same" };
}

/** What tells that two results were not made alike, in words. */
export function differences(before, after) {
  return ["cpu", "cores", "node"]
    .filter((key) => before.machine[key] !== after.machine[key])
    .map((key) => `${key}: ${before.machine[key]} and ${after.machine[key]}`);
}
