import { at, quickselect } from "@fedclair/linalg";

/**
 * Visits the indices of the `count` smallest entries; of equal entries the first ones.
 * @param count from 1 to x.length
 * @param room a buffer as long as x, which is overwritten
 */
export function forSmallest(
  x: Float64Array,
  count: number,
  visit: (k: number) => void,
  room = new Float64Array(x.length),
): void {
  room.set(x);
  const largest = quickselect(room, count - 1);
  let left = count;
  for (let k = 0; k < x.length; k++) {
    if (at(x, k) >= largest) continue;
    visit(k);
    left--;
  }
  for (let k = 0; k < x.length && left > 0; k++) {
    if (x[k] !== largest) continue;
    visit(k);
    left--;
  }
}
