// Formats text as `npm run format` formats its file.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { format } from "oxfmt";

const settings = resolve(import.meta.dirname, "../.oxfmtrc.json");

/**
 * @param {string} file whose extension names the language
 * @param {string} text
 * @returns {Promise<string>}
 * @throws Error if the text has a syntax error
 */
export async function formatAs(file, text) {
  const options = JSON.parse(await readFile(settings, "utf8"));
  const { code, errors } = await format(file, text, options);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
  return code;
}
