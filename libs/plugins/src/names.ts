/** The texts at every key `name` in a value; a sweep may list them. */
export function namesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return Object.entries(value).flatMap(([key, one]) =>
    key === "name" ? [...textsIn(one)] : namesIn(one),
  );
}

/** Collects every string in a value. */
export function textsIn(value: unknown): Set<string> {
  if (typeof value === "string") return new Set([value]);
  if (typeof value !== "object" || value === null) return new Set();
  return new Set(Object.values(value).flatMap((one) => [...textsIn(one)]));
}
