// npm run bench:compare -- A.json B.json: what got slower from A to B by more than noise. Exits with 1 if anything did, with 2 if it
// cannot compare.
import { readFile } from "node:fs/promises";
import { compareResults, differences } from "./harness/compare.js";

const files = process.argv.slice(2);
if (files.length !== 2) {
  console.error("error: expected two files of bench/results, the older one first");
  process.exit(2);
}
const [before, after] = await Promise.all(files.map(read));
for (const difference of differences(before, after)) {
  console.log(`not made alike, ${difference}: what follows may be the machines' difference`);
}
const { rows, missing } = compareResults(before, after);
for (const row of rows.filter(({ change }) => change !== "same")) {
  const share = 100 * (row.after / row.before - 1);
  const sign = share > 0 ? "+" : "";
  const others = Object.entries(row.others).map(([side, both]) => `; ${side} ${text(both)}`);
  console.log(
    `${row.change}  ${row.name}: ${text([row.before, row.after])} ms (${sign}${share.toFixed(0)} %)${others.join("")}`,
  );
}
if (missing.length > 0) console.log(`in one of the two alone: ${missing.join("; ")}`);
const slower = rows.filter(({ change }) => change === "slower").length;
console.log(`${slower} of ${rows.length} slower by more than noise`);
process.exitCode = slower > 0 ? 1 : 0;

function text([old, now]) {
  return `${old.toPrecision(3)}, now ${now.toPrecision(3)}`;
}

async function read(path) {
  try {
    const result = JSON.parse(await readFile(path, "utf8"));
    if (Array.isArray(result.rows)) return result;
    throw new Error("expected { machine, rows }, as npm run bench writes");
  } catch (error) {
    console.error(`error: ${path}: ${error.message}`);
    process.exit(2);
  }
}
