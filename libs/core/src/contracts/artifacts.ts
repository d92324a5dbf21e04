import { errorMessage, UserError } from "../words/errors.js";
import { excerpt } from "../words/text.js";

/** The largest size of an artifact, in characters as JSON: far more than a figure can show. */
const maxLength = 64 * 2 ** 20;

/**
 * Checks the artifacts of a task's step, which are written to disk as JSON.
 * @throws UserError naming the artifact that cannot be written
 */
export function checkArtifacts(
  artifacts: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(artifacts);
  for (const [name, value] of entries) checkJson(`artifact ${excerpt(name)}`, value, maxLength);
  return Object.fromEntries(entries);
}

/**
 * Checks that a value can be written as JSON.
 * @param length the largest number of characters
 * @throws UserError if it cannot, or is longer
 */
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
