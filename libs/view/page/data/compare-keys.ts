/** What a row is sorted by; undefined if it has no value. */
export type SortValue = string | number | undefined;

/**
 * Compares two rows by their keys: numbers by size, all else as text. Rows without a value come
 * last in both directions.
 * @param direction 1 for ascending order
 */
export function compareKeys(a: SortValue, b: SortValue, direction: 1 | -1): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const order =
    typeof a === "number" && typeof b === "number"
      ? a - b
      : String(a).localeCompare(String(b), "en", { numeric: true });
  return direction * order;
}
