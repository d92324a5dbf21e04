// npm run lab -- cases FILE…: runs reference cases against the built libraries and exits with 1 if
// one of them fails.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { aggregatorKinds } from "@fedclair/clair/cases";
import { attackKinds } from "@fedclair/rules/cases";
import { kindsFormat, runCases } from "@fedclair/core/cases";

const clairKinds = new Map([...aggregatorKinds, ...attackKinds]);
const methods = await readdir(join(import.meta.dirname, "../libs/methods"));
const modules = await Promise.all(methods.sort().map((name) => import(`@fedclair/${name}/cases`)));
const formats = [kindsFormat("clair", clairKinds), ...modules.map(({ format }) => format)];
const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: npm run lab -- cases FILE…");
  process.exit(2);
}

let passed = 0;
let failed = 0;
for (const file of files) {
  try {
    const outcomes = await runCases(JSON.parse(await readFile(file, "utf8")), formats);
    for (const { name, mismatches } of outcomes) {
      if (mismatches.length === 0) passed++;
      else failed++;
      for (const { field, message } of mismatches) console.log(`${name}: ${field}: ${message}`);
    }
  } catch (error) {
    failed++;
    console.log(`${file}: ${error.message}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
