// Measures of a pool's sets as a file, so that a rule can be tried on them in seconds. They are
// measured again if code that they depend on has changed.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { clairSchema } from "@fedclair/clair";
import { Matrix } from "@fedclair/linalg";
import { measure } from "./measure.js";
import { readPool, toUpdates } from "./piles.js";
import { listSets } from "./sets.js";

const workspace = resolve(import.meta.dirname, "../../..");
/** Folders of built code that the measures depend on. */
const measuring = [
  ...["measures", "modules", "space", "updates"].map((room) => `libs/clair/dist/src/${room}`),
  ...["linalg", "compute"].map((name) => `libs/${name}/dist/src`),
];
let codeHash;

/**
 * Measures the sets of a pool, unless a file has them.
 * @param {string} folder of the pool
 * @param {readonly number[]} sizes numbers of clients of clean sets
 * @param {string} cache folder of the files, one for each pool
 * @returns {Promise<{name: string, kind: string, ids: string[], bad: string[], measures: any}[]>}
 */
export async function measureSets(folder, sizes, cache) {
  const name = basename(folder);
  const file = join(cache, `${name}.json`);
  const key = `${await (codeHash ??= hashCode())} ${sizes.join(",")}`;
  if (existsSync(file)) {
    const saved = JSON.parse(await readFile(file, "utf8"));
    if (saved.key === key) return saved.sets.map(revive);
  }
  const options = clairSchema.parse({ rule: "evidence" });
  const pool = await readPool(folder);
  const sets = [];
  for (const { members, ...set } of listSets(name, pool, sizes)) {
    const { measures, ids } = await measure(toUpdates(members), options);
    const bad = ids.filter((id) => id.startsWith("bad-"));
    sets.push({ ...set, ids, bad, measures });
  }
  await mkdir(cache, { recursive: true });
  await writeFile(`${file}.unfinished`, JSON.stringify({ key, pool: name, sets }, toPlain));
  await rename(`${file}.unfinished`, file);
  return sets;
}

/** The measures of a file, with its matrices. */
function revive(set) {
  const { measures } = set;
  const matrix = ({ rows, cols, data }) => new Matrix(rows, cols, Float64Array.from(data));
  const columns = ["size", "shape", "evenness", "outside"];
  return {
    ...set,
    measures: {
      ...measures,
      ...Object.fromEntries(columns.map((key) => [key, Float64Array.from(measures[key])])),
      cosines: matrix(measures.cosines),
      ...(measures.rowSpaces && { rowSpaces: matrix(measures.rowSpaces) }),
    },
  };
}

function toPlain(_key, value) {
  return value instanceof Float64Array ? [...value] : value;
}

/** A hash of the code that the measures depend on. */
async function hashCode() {
  const hash = createHash("sha256");
  for (const folder of measuring) {
    const files = (await readdir(join(workspace, folder), { recursive: true })).filter(
      (file) => file.endsWith(".js") && !file.endsWith(".test.js"),
    );
    for (const file of files.sort()) hash.update(await readFile(join(workspace, folder, file)));
  }
  for (const file of ["piles.js", "sets.js"])
    hash.update(await readFile(join(import.meta.dirname, file)));
  return hash.digest("hex").slice(0, 16);
}
