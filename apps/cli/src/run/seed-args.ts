/** Converts the value of `--seeds` to an override of the trial file. */
export function seedArgs(seeds: string | undefined): string[] {
  return seeds === undefined ? [] : [`seeds=${seeds}`];
}
