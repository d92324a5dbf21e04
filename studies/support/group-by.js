/**
 * Groups items by a key, in the order in which keys first occur. Node.js 20 has no `Map.groupBy`.
 * @returns {Map}
 */
export function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}
