/** Converts overrides to `--set` options, to pass them to another command. */
export function setArgs(overrides: readonly string[]): string[] {
  return overrides.flatMap((override) => ["--set", override]);
}
