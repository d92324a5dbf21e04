import { UserError } from "@fedclair/core";
import { isTooLate, tooLate } from "./reading-time.js";

/** The place of the data that `npm run lab -- federations` fetches, in a path of any system. */
const fetched = /[\\/]runs[\\/]federations[\\/]/;

/**
 * Creates the error of data that cannot be read, or not in time. If data of the trials in
 * `studies/federations` are missing, it says how to fetch them.
 * @param what the path, or `the folder` and its path
 * @param error the reason
 */
export function unreadable(what: string, error: unknown): UserError {
  if (isTooLate(error)) return tooLate(what);
  const { code = "", message } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === "Z_BUF_ERROR") {
    return new UserError(
      `source: ${what}: the gzip is cut off (${message}): copy or fetch it again`,
    );
  }
  if (code.startsWith("Z_")) return new UserError(`source: ${what}: expected gzip: ${message}`);
  const isMissing = code === "ENOENT";
  const advice =
    isMissing && fetched.test(what) ? ": fetch the data by npm run lab -- federations" : "";
  return new UserError(
    `source: cannot read ${what}: ${isMissing ? "it does not exist" : String(error)}${advice}`,
  );
}
