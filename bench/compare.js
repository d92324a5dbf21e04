// npm run bench:compare -- A.json B.json: lists what got slower from A to B by more than noise.
// Exits with 1 if anything did, and with 2 if the files cannot be compared.
import { readFile } from "node:fs/promises";
import { checkResult, compareResults, listDifferences } from "./harness/compare.js";

/** Number of rows listed that only one file has. */
const maxListed = 3;

const files = process.argv.slice(2);
if (files.length !== 2) fail("expected two files of bench/results, the older one first");
let [before, after] = await Promise.all(files.map(read));
if (before.date > after.date) {
  console.log(`the first file is newer: comparing from ${after.date} to ${before.date}`);
  [before, after] = [after, before];
}
for (const difference of listDifferences(before, after)) {
  console.log(`different conditions, ${difference}: differences below may be due to the machines`);
}
const { rows, missing } = compareResults(before, after);
if (rows.length === 0)
  fail(`${files.join(" and ")} have no row in common: expected results of the same benches`);
for (const row of rows.filter(({ change }) => change !== "same")) {
  const share = 100 * (row.after / row.before - 1);
  const sign = share > 0 ? "+" : "";
  const others = Object.entries(row.others).map(([side, both]) => `; ${side} ${formatTimes(both)}`);
  console.log(
    `${row.change}  ${row.name}: ${formatTimes([row.before, row.after])} ms (${sign}${share.toFixed(0)} %)${others.join("")}`,
  );
}
if (missing.length > 0) {
  const listed = missing.slice(0, maxListed).join("; ");
  const rest = missing.length > maxListed ? "; …" : "";
  console.log(`only in one of the two, ${missing.length}: ${listed}${rest}`);
}
const slower = rows.filter(({ change }) => change === "slower").length;
console.log(`${slower} of ${rows.length} slower by more than noise`);
process.exitCode = slower > 0 ? 1 : 0;

function formatTimes([old, now]) {
  return `${old.toPrecision(3)}, now ${now.toPrecision(3)}`;
}

async function read(path) {
  try {
    return checkResult(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    fail(`${path}: ${error.message}`);
  }
}

function fail(why) {
  console.error(`error: ${why}`);
  process.exit(2);
}
