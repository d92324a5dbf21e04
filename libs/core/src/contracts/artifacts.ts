import { errorMessage, UserError } from "../words/errors.js";
import { excerpt } from "../words/text.js";

/** Characters of one as JSON: far more than a figure can show, and a line that can be read again. */
const maxLength = 64 * 2 ** 20;

/** What a task's step shows, checked: it goes to the disk as JSON. @throws UserError naming what does not */
export function checkArtifacts(
  artifacts: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(artifacts);
  for (const [name, value] of entries) checkJson(`artifact ${excerpt(name)}`, value, maxLength);
  return Object.fromEntries(entries);
}

/** @throws UserError unless the value can be written as JSON of at most so many characters */
export function checkJson(what: string, value: unknown, length: number): void {
  let json: unknown;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    throw new UserError(`${what}: expected what survives JSON, got ${errorMessage(error)}`);
  }
  if (typeof json !== "string") {
    throw new UserError(`${what}: expected what survives JSON, got ${typeof value}`);
  }
  if (json.length > length) {
    const most = `at most ${length} characters as JSON`;
    throw new UserError(`${what}: expected ${most}, got ${json.length}`);
  }
}
