import { clairSchema, type ClairOptions } from "@fedclair/aggregators";
import { UserError } from "@fedclair/core";

/** `rank=4` and the like. @throws UserError for an option that CLAIR does not have, or a value that it does not take */
export function parseOptions(set: readonly string[]): ClairOptions {
  const given = set.map((text) => {
    const split = text.indexOf("=");
    if (split < 1) throw new UserError(`--set: expected option=value, got '${text}'`);
    return [text.slice(0, split), valueOf(text.slice(split + 1))] as const;
  });
  const idle = given.find(([name]) => ofRounds.includes(name));
  if (idle) throw new UserError(`--set: ${idle[0]} has no effect: an audit has no earlier rounds`);
  const { data, error } = clairSchema.safeParse(Object.fromEntries(given));
  if (data) return data;
  const issues = error.issues.map(({ path, message }) => [...path, message].join(": "));
  throw new UserError(`--set: ${issues.join("; ")}`);
}

const ofRounds = ["memoryBeta", "window"];

/** `4`, `0.5`, `true` as JSON has them; anything else is text. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
