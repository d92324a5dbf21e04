// npm run bench:compare -- A.json B.json: what got slower from A to B by more than noise. Exits with 1 if anything did, with 2 if it
// cannot compare.
import { readFile } from "node:fs/promises";
import { checkedResult, compareResults, differences } from "./harness/compare.js";

/** Of the rows that one file lacks: so many are named. */
const mostNamed = 3;

const files = process.argv.slice(2);
if (files.length !== 2) fail("expected two files of bench/results, the older one first");
let [before, after] = await Promise.all(files.map(read));
if (before.date > after.date) {
  console.log(`the first file is the later one: from ${after.date} to ${before.date}`);
  [before, after] = [after, before];
}
for (const difference of differences(before, after)) {
  console.log(`not made alike, ${difference}: what follows may be the machines' difference`);
}
const { rows, missing } = compareResults(before, after);
if (rows.length === 0)
  fail(`${files.join(" and ")} have no row in common: expected results of the same benches`);
for (const row of rows.filter(({ change }) => change !== "same")) {
  const share = 100 * (row.after / row.before - 1);
  const sign = share > 0 ? "+" : "";
  const others = Object.entries(row.others).map(([side, both]) => `; ${side} ${text(both)}`);
  console.log(
    `${row.change}  ${row.name}: ${text([row.before, row.after])} ms (${sign}${share.toFixed(0)} %)${others.join("")}`,
  );
}
if (missing.length > 0) {
  const named = missing.slice(0, mostNamed).join("; ");
  const rest = missing.length > mostNamed ? "; …" : "";
  console.log(`in one of the two alone, ${missing.length}: ${named}${rest}`);
}
const slower = rows.filter(({ change }) => change === "slower").length;
console.log(`${slower} of ${rows.length} slower by more than noise`);
process.exitCode = slower > 0 ? 1 : 0;

function text([old, now]) {
  return `${old.toPrecision(3)}, now ${now.toPrecision(3)}`;
}

async function read(path) {
  try {
    return checkedResult(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    fail(`${path}: ${error.message}`);
  }
}

function fail(why) {
  console.error(`error: ${why}`);
  process.exit(2);
}
