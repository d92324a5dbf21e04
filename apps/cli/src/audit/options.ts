import { clairSchema, type ClairOptions } from "@fedclair/aggregators";
import { UserError } from "@fedclair/core";
import { parseYaml } from "@fedclair/core/internal";

/**
 * Parses options such as `rank=4`. The default rule is `evidence`.
 * @throws UserError for an unknown option or an invalid value
 */
export function parseOptions(set: readonly string[]): ClairOptions {
  const source = { text: "{}", file: "--set", what: "options", overrides: set };
  const yaml = parseYaml(source);
  const data = yaml.check(clairSchema);
  const idle = ["memoryBeta", "window"].find((option) => yaml.isOverridden([option]));
  if (idle === undefined) return yaml.isOverridden(["rule"]) ? data : { ...data, rule: "evidence" };
  throw new UserError(`--set: ${idle} has no effect: an audit has no earlier rounds`);
}
