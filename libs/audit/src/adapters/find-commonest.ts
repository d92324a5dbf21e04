/**
 * Returns the most common of some things, the first of equally common ones.
 * @param keyOf returns the same key for things that count as equal
 */
export function findCommonest<T>(all: readonly T[], keyOf: (one: T) => string): T | undefined {
  const counts = new Map<string, { readonly one: T; count: number }>();
  for (const one of all) {
    const key = keyOf(one);
    const counted = counts.get(key) ?? { one, count: 0 };
    counted.count++;
    counts.set(key, counted);
  }
  const [most] = [...counts.values()].sort((a, b) => b.count - a.count);
  return most?.one;
}
