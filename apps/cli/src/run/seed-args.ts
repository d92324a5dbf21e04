import { InvalidArgumentError } from "commander";

/**
 * Parses `--seeds`: a number of seeds such as `10`, or a list such as `1,2,5`.
 * @returns the value as YAML
 */
export function seedsOption(text: string): string {
  if (/^\d+$/.test(text)) return text;
  if (/^\d+(,\d+)*,?$/.test(text)) return `[${text}]`;
  throw new InvalidArgumentError("expected a number of seeds like 10, or a list like 1,2,5.");
}

/** Converts the value of `--seeds` to an override of the trial file. */
export function seedArgs(seeds: string | undefined): string[] {
  return seeds === undefined ? [] : [`seeds=${seeds}`];
}
