import { clairSchema, type ClairOptions } from "@fedclair/clair";
import { UserError } from "@fedclair/core";
import { parseYaml } from "@fedclair/core/internal";

/**
 * Parses options such as `rank=4` or `rule.falseAlarmRate=0.2`, or the same in an object. The rule
 * is `evidence` by default, which adapters of real models need.
 * @throws UserError for an unknown option or an invalid value
 */
export function parseClairOptions(given: readonly string[] | object): ClairOptions {
  const [text, file, overrides] = isList(given)
    ? ["rule: evidence", "--set", given]
    : [JSON.stringify(Object.assign({ rule: "evidence" }, given)), "clair", []];
  const yaml = parseYaml({ text, file, what: "options", overrides });
  const data = yaml.check(clairSchema);
  if (data.window === 1 && !yaml.isOverridden(["window"])) return data;
  throw new UserError(`${file}: window has no effect: an audit has no earlier rounds`);
}

const isList = (given: object): given is readonly string[] => Array.isArray(given);
