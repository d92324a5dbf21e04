/** The largest number of edits that counts as a typo. */
const mostEdits = 3;

/** Names of data that others made may be long, and comparing them takes the product of lengths. */
const longestWord = 200;

/**
 * Suggests the closest known word, as `, did you mean 'rounds'?` for the end of a message. Returns
 * an empty text if no known word is close.
 */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = findNear(word, known);
  return near === undefined ? "" : `, did you mean '${near}'?`;
}

/**
 * Describes what was expected in place of a mapping with a name. A suggestion comes before the
 * names, because there may be many.
 * @param input the mapping with an unknown name, or a name without a mapping
 */
export function expectNamed(input: unknown, names: readonly string[]): string {
  const list = names.join(", ");
  if (typeof input === "string") {
    const near = names.includes(input) ? input : findNear(input, names);
    return near === undefined
      ? `expected a mapping as { name: ${names[0]} }, its name one of ${list}`
      : `did you mean { name: ${near} }? expected a mapping, its name one of ${list}`;
  }
  const { name } = (input ?? {}) as { readonly name?: unknown };
  const near = typeof name === "string" ? findNear(name, names) : undefined;
  return `${near === undefined ? "" : `did you mean '${near}'? `}expected one of ${list}`;
}

/** Finds the known word that a word was most likely meant to be. */
function findNear(word: string, known: readonly string[]): string | undefined {
  // At least two thirds of the shorter word must be unchanged.
  const near = known
    .map((candidate) => ({ candidate, edits: countEdits(word, candidate) }))
    .filter(({ candidate, edits }) => {
      return edits <= mostEdits && 3 * edits <= Math.min(word.length, candidate.length) + 1;
    })
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.candidate;
}

/**
 * Counts the letters to insert, delete, replace or swap with their neighbour (the optimal string
 * alignment distance). Returns Infinity if the lengths differ by more than `mostEdits`, or if one
 * is longer than `longestWord`.
 */
function countEdits(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > mostEdits) return Infinity;
  if (Math.max(a.length, b.length) > longestWord) return Infinity;
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
