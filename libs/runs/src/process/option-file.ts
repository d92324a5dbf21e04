import { UserError } from "@fedclair/core/errors";
import { readText } from "../store/regular-file.js";

/** The most bytes of a file that an option names: far more than a bundle of certificates has. */
const mostBytes = 2 ** 24;

/**
 * Reads a small text that an option names, such as a token or a certificate. A FIFO or a device in
 * its place is rejected, because it could block the process.
 * @throws UserError that begins with the option
 */
export function readOptionFile(option: string, file: string): string {
  try {
    return readText(file, mostBytes);
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${option}: ${error.message}`);
    throw error;
  }
}
