import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { UserError } from "@fedclair/core/errors";

/** Files in PEM, each with the option that named it. */
export interface CertificateFiles {
  readonly ca: readonly [option: string, file: string | undefined];
  readonly cert: readonly [option: string, file: string | undefined];
  readonly key: readonly [option: string, file: string | undefined];
}

/**
 * Reads what an end shows and believes in a TLS handshake.
 * @returns undefined if no file is named
 * @throws UserError if a file cannot be read or holds something else, or of a certificate and its key only one is there
 */
export async function readCertificates(files: CertificateFiles) {
  const entries = Object.entries(files) as [string, readonly [string, string | undefined]][];
  const named = entries.filter(([, [, file]]) => file !== undefined);
  if (named.length === 0) return undefined;
  const { cert, key } = files;
  if ((cert[1] === undefined) !== (key[1] === undefined)) {
    const [missing] = cert[1] === undefined ? cert : key;
    throw new UserError(`${missing} is missing: ${cert[0]} and ${key[0]} go together`);
  }
  const texts: { ca?: string; cert?: string; key?: string } = Object.fromEntries(
    await Promise.all(
      named.map(async ([what, [option, file = ""]]) => [what, await read(option, file)]),
    ),
  ) as Record<string, string>;
  try {
    createSecureContext(texts);
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const [, why = message] = /:([^:]+)$/.exec(message.trim()) ?? [];
    const names = named.map(([, [option, file]]) => `${option} '${file ?? ""}'`).join(", ");
    throw new UserError(
      code.includes("KEY_VALUES_MISMATCH")
        ? `${key[0]} '${key[1] ?? ""}' is not the key of ${cert[0]} '${cert[1] ?? ""}'`
        : `${names}: TLS cannot use them (${why}): expected PEM, and a key without a passphrase`,
    );
  }
  return texts;
}

async function read(option: string, file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new UserError(
      `${option}: cannot read '${file}' (${(error as NodeJS.ErrnoException).code ?? "?"})`,
    );
  });
  // Node.js takes a text without any for an empty list, and would then believe nobody, or show nothing.
  if (text.includes("-----BEGIN ")) return text;
  throw new UserError(`${option}: '${file}' is no PEM file: expected a line -----BEGIN …-----`);
}
