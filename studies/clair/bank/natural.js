// Tables of real institutions, places and people as federations: a linear regression for each, and
// small networks.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const workspace = resolve(import.meta.dirname, "../../..");
const folder = join(workspace, "runs/federations/natural");

/** The trial that the tables are run with. */
export const naturalTrial = join(workspace, "studies/federations/natural.yaml");

/**
 * A table of `npm run lab -- federations`.
 * @typedef {object} NaturalTable
 * @property {string} name
 * @property {string} what what a row is
 * @property {string} client the column of the client
 * @property {readonly string[]} outputs
 * @property {number} clients
 * @property {readonly [number, number]} shape of a client's change: inputs and a constant, outputs
 */

/** @returns {readonly NaturalTable[]} none if they were not fetched */
export function listNatural() {
  const index = join(folder, "index.json");
  return existsSync(index) ? JSON.parse(readFileSync(index, "utf8")) : [];
}

/** The file of a table. @param {Pick<NaturalTable, "name">} table */
export function fileOf({ name }) {
  return join(folder, `${name}.csv`);
}

/** The options of `--set` that put a table into the trial. @param {NaturalTable} table */
export function settingsOf({ name, client, outputs }, clients) {
  const source = JSON.stringify({ file: fileOf({ name }), columns: { outputs, client } });
  return [`task.source=${source}`, `clients=${clients}`];
}
