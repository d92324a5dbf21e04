/** Farther words are not taken for a slip of the finger. */
const mostEdits = 3;

/** For the end of a message on an unknown word: `, did you mean 'rounds'?`, or nothing if no known word is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  // Two thirds of the shorter word must stand.
  const near = known
    .map((candidate) => ({ candidate, edits: countEdits(word, candidate) }))
    .filter(({ candidate, edits }) => {
      return edits <= mostEdits && 3 * edits <= Math.min(word.length, candidate.length) + 1;
    })
    .sort((a, b) => a.edits - b.edits);
  return near[0] ? `, did you mean '${near[0].candidate}'?` : "";
}

/** Letters to insert, to delete, to replace, or to swap with their neighbour; many for words of very unlike lengths. */
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
