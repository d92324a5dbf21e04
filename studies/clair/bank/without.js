// Banks that lack one source, so that no federation is judged by a bank that knows its like.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseBank } from "@fedclair/clair";

const folder = join(import.meta.dirname, "../../../libs/clair/claims/banks");

/** @type {Map<string, import("@fedclair/clair").Bank>} */
const banks = new Map();

/**
 * Reads the bank that `npm run calibrate -- --without SOURCE` made.
 * @param {string} source
 */
export function readBankWithout(source) {
  const file = join(folder, `without-${source}.json`);
  const bank = banks.get(source) ?? parseBank(JSON.parse(readFileSync(file, "utf8")), file);
  banks.set(source, bank);
  return bank;
}
