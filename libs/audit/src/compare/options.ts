import { clairSchema, type ClairOptions } from "@fedclair/clair";
import { UserError } from "@fedclair/core";
import { parseYaml } from "@fedclair/core/internal";

/** The options that an audit starts from. Adapters of real models need the rule `evidence`. */
export const auditDefaults = "rule: evidence";

/**
 * Parses options such as `rank=4` or `rule.falseAlarmRate=0.2`.
 * @throws UserError for an unknown option or an invalid value
 */
export function parseClairOptions(set: readonly string[]): ClairOptions {
  const source = { text: auditDefaults, file: "--set", what: "options", overrides: set };
  const yaml = parseYaml(source);
  const data = yaml.check(clairSchema);
  if (!yaml.isOverridden(["window"])) return data;
  throw new UserError("--set: window has no effect: an audit has no earlier rounds");
}
