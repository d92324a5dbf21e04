// Formats text as `npm run format` formats its file.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { format } from "oxfmt";

const options = JSON.parse(
  await readFile(resolve(import.meta.dirname, "../.oxfmtrc.json"), "utf8"),
);

/**
 * @param {string} file whose extension names the language
 * @param {string} text
 * @returns {Promise<string>}
 * @throws Error if the text has a syntax error
 */
export async function formatAs(file, text) {
  const { code, errors } = await format(file, text, options);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
  return code;
}
