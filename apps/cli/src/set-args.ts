/** Options of `--set`, as one command hands them on to another. */
export function setArgs(overrides: readonly string[]): string[] {
  return overrides.flatMap((override) => ["--set", override]);
}
