/** Groups values by a key, in the order in which the keys appear. */
export function groupBy<T>(
  values: Iterable<T>,
  keyOf: (value: T) => readonly (string | number | boolean)[],
): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const value of values) {
    const key = JSON.stringify(keyOf(value));
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return [...groups.values()];
}
