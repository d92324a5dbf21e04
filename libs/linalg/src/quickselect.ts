import { at } from "./at.js";

/**
 * Reorders x so that its k-th smallest entry is at k, with no larger entry before it and no smaller
 * one after it, in expected time O(n). This is Quickselect with Lomuto's partition, which does not
 * branch on a comparison, because processors mispredict such branches.
 * @param x finite numbers
 * @param from index of the first entry that may be moved
 * @param k from `from` to x.length - 1
 * @returns x[k]
 */
export function quickselect(x: Float64Array, k: number, from = 0): number {
  let low = from;
  let high = x.length - 1;
  while (low < high) {
    const index = middleOfThree(x, low, (low + high) >>> 1, high);
    const pivot = at(x, index);
    x[index] = at(x, high);
    const smaller = partition(x, low, high, pivot);
    x[high] = at(x, smaller);
    x[smaller] = pivot;
    if (k < smaller) high = smaller - 1;
    else if (k === smaller) return pivot;
    else if (smaller > low) low = smaller + 1;
    else {
      // The pivot is the smallest entry. All entries equal to it are skipped at once, because
      // columns of zeros would otherwise take O(n²).
      low = partitionEqual(x, low + 1, high + 1, pivot);
      if (k < low) return pivot;
    }
  }
  return at(x, k);
}

/**
 * Moves the entries of low … high - 1 that are below the pivot to the front.
 * @returns the index after the last of them
 */
function partition(x: Float64Array, low: number, high: number, pivot: number): number {
  let end = low;
  for (let j = low; j < high; j++) {
    const value = at(x, j);
    x[j] = at(x, end);
    x[end] = value;
    end += +(value < pivot);
  }
  return end;
}

/**
 * Moves the entries that equal the pivot to the front, given that no entry is smaller.
 * @returns the index after the last of them
 */
function partitionEqual(x: Float64Array, low: number, high: number, pivot: number): number {
  let end = low;
  for (let j = low; j < high; j++) {
    const value = at(x, j);
    x[j] = at(x, end);
    x[end] = value;
    end += +(value === pivot);
  }
  return end;
}

/** The one of three indices whose entry lies between the other two. */
function middleOfThree(x: Float64Array, i: number, j: number, k: number): number {
  const a = at(x, i);
  const b = at(x, j);
  const c = at(x, k);
  if (a < b) return b < c ? j : a < c ? k : i;
  return a < c ? i : b < c ? k : j;
}
