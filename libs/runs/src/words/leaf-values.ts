/** Lists every leaf of a nested value as [path, JSON]. @param path keys that lead to the value */
export function* leafValues(
  value: unknown,
  path: readonly string[] = [],
): Generator<[string, string]> {
  if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) yield* leafValues(inner, [...path, key]);
  } else if (value !== undefined) yield [path.join("."), JSON.stringify(value)];
}
