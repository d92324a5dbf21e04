// npm run bench [-- NAME…]: times fedclair on this machine, and ml-matrix where it does the same.
// npm run lab -- bench-peers [NAME…]: also times NumPy and PyTorch, alternating with fedclair, in a
// virtual environment that is created at the first call. --flower adds one run of Flower's
// simulation.
import { parseArguments } from "../scripts/arguments.js";
import { minTimes, measure } from "./harness/measure.js";
import { installFlower, installPython } from "./harness/python.js";
import { readMachine, readVersion, writeResult } from "./harness/result.js";
import { formatHeading, formatRow } from "./harness/table.js";

/** Suites. Each yields its `items` one by one, so that only the data of one item are in memory. */
const names = "linalg robust clair lr-mnist phases flat text-copy transport alberdice torch".split(
  " ",
);

const { values, positionals } = parseArguments({
  allowPositionals: true,
  options: {
    peers: { type: "boolean", default: false },
    flower: { type: "boolean", default: false },
    times: { type: "string", default: String(minTimes) },
  },
});
const times = Number(values.times);
const unknownNames = positionals.filter((name) => !names.includes(name));
if (unknownNames.length > 0 || !(Number.isInteger(times) && times >= minTimes)) {
  console.error(`error: expected names of ${names.join(", ")}, and --times of ${minTimes} or more`);
  process.exit(2);
}
const version = readVersion(); // read first, because files may change while the bench runs
const python = values.peers ? await installPython("requirements.txt") : undefined;
const flower = values.flower ? await installFlower() : undefined;

const { cpu, cores, node } = readMachine();
const { commit, dirty } = version;
console.log(`${cpu}, ${cores} cores, node ${node}, commit ${commit}${dirty ? ", changed" : ""}`);
console.log(formatHeading());
const rows = [];
for (const suite of names.filter(
  (name) => positionals.length === 0 || positionals.includes(name),
)) {
  const { title, items } = await import(`./suites/${suite}.js`);
  console.log(title);
  for await (const item of items({ flower, times })) {
    const row = { suite, ...(await measure(item, { times, python })) };
    rows.push(row);
    console.log(formatRow(row));
  }
}
const others = rows.flatMap(({ sides }) => Object.values(sides).map((side) => side.versions));
const versions = Object.assign({}, ...others);
const programs = Object.entries(versions).map(([name, what]) => `${name} ${what}`);
if (programs.length > 0) console.log(`other sides: ${programs.join(", ")}`);
console.log(`results in ${await writeResult(version, rows)}`);
process.exit(0); // linear algebra and CLAIR leave threads behind
