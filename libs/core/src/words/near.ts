/** The largest number of edits that counts as a typo. */
const mostEdits = 3;

/**
 * Suggests the closest known word, as `, did you mean 'rounds'?` for the end of a message. Returns
 * an empty text if no known word is close.
 */
export function didYouMean(word: string, known: readonly string[]): string {
  // At least two thirds of the shorter word must be unchanged.
  const near = known
    .map((candidate) => ({ candidate, edits: countEdits(word, candidate) }))
    .filter(({ candidate, edits }) => {
      return edits <= mostEdits && 3 * edits <= Math.min(word.length, candidate.length) + 1;
    })
    .sort((a, b) => a.edits - b.edits);
  return near[0] ? `, did you mean '${near[0].candidate}'?` : "";
}

/**
 * Counts the letters to insert, delete, replace or swap with their neighbour (the optimal string
 * alignment distance). Returns Infinity if the lengths differ by more than `mostEdits`.
 */
function countEdits(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > mostEdits) return Infinity;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        at(row, j - 1) + 1,
        at(last, j) + 1,
        at(last, j - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, j - 2) + 1 : Infinity,
      );
    }
    [beforeLast, last] = [last, row];
  }
  return at(last, b.length);
}

function at(row: readonly number[], j: number): number {
  return row[j] ?? Infinity;
}
