import { UserError } from "../src/words/errors.js";
import type { Outcome } from "./report.js";

/** Recognises and runs the reference cases of one method. */
export interface CaseFormat {
  readonly method: string;
  /** @param file the parsed JSON */
  recognises(file: unknown): boolean;
  run(file: unknown): Promise<readonly Outcome[]>;
}

/**
 * Runs every case of a file.
 * @param file the parsed JSON
 * @throws UserError if no format recognises it
 */
export async function runCases(
  file: unknown,
  formats: readonly CaseFormat[],
): Promise<readonly Outcome[]> {
  const format = formats.find((candidate) => candidate.recognises(file));
  if (format === undefined) {
    throw new UserError(
      `not a case file of a known method (known: ${formats.map(({ method }) => method).join(", ")})`,
    );
  }
  return await format.run(file);
}
