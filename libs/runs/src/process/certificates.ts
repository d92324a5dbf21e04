import { createSecureContext } from "node:tls";
import { UserError } from "@fedclair/core/errors";
import { readOptionFile } from "./option-file.js";

/** PEM files, each with the option that specified it. */
interface CertificateFiles {
  readonly ca: readonly [option: string, file: string | undefined];
  readonly cert: readonly [option: string, file: string | undefined];
  readonly key: readonly [option: string, file: string | undefined];
}

/**
 * Reads the certificates that this end presents and trusts in a TLS handshake.
 * @returns undefined if no file is given
 * @throws UserError if a file cannot be read or is not PEM, or if only one of a certificate and its
 *   key is given
 */
export function readCertificates(files: CertificateFiles) {
  const entries = Object.entries(files) as [string, readonly [string, string | undefined]][];
  const given = entries.filter(([, [, file]]) => file !== undefined);
  if (given.length === 0) return undefined;
  const { cert, key } = files;
  if ((cert[1] === undefined) !== (key[1] === undefined)) {
    const [missing] = cert[1] === undefined ? cert : key;
    throw new UserError(`${missing} is missing: ${cert[0]} and ${key[0]} go together`);
  }
  const texts: { ca?: string; cert?: string; key?: string } = Object.fromEntries(
    given.map(([what, [option, file = ""]]) => [what, readPem(option, file)]),
  );
  try {
    createSecureContext(texts);
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const [, why = message] = /:([^:]+)$/.exec(message.trim()) ?? [];
    const names = given.map(([, [option, file]]) => `${option} '${file ?? ""}'`).join(", ");
    throw new UserError(
      code.includes("KEY_VALUES_MISMATCH")
        ? `${key[0]} '${key[1] ?? ""}' is not the key of ${cert[0]} '${cert[1] ?? ""}'`
        : `${names}: TLS cannot use them (${why}): expected PEM, and a key without a passphrase`,
    );
  }
  return texts;
}

function readPem(option: string, file: string): string {
  const text = readOptionFile(option, file);
  // Node.js treats a file without a certificate as an empty list, and would then trust or present
  // nothing.
  if (text.includes("-----BEGIN ")) return text;
  throw new UserError(`${option}: '${file}' is no PEM file: expected a line -----BEGIN …-----`);
}
