// npm run bench [-- NAME…]: times our side on this machine, and ml-matrix where it does the same. npm run lab -- bench-peers [-- NAME…]: beside it,
// in turn, NumPy and PyTorch, in a virtual environment that is made at the first call; with --flower also Flower's simulation, once.
import { parseArguments } from "../scripts/arguments.js";
import { leastTimes, measure } from "./harness/measure.js";
import { pythonWith } from "./harness/python.js";
import { keep, machine, version } from "./harness/result.js";
import { heading, line } from "./harness/table.js";

/** Each file has a `title` and gives `items`, one after another, so that the data of one alone are in memory. */
const names = "linalg robust clair lr-mnist phases flat text-copy transport alberdice".split(" ");

const { values, positionals } = parseArguments({
  allowPositionals: true,
  options: {
    peers: { type: "boolean", default: false },
    flower: { type: "boolean", default: false },
    times: { type: "string", default: String(leastTimes) },
  },
});
const times = Number(values.times);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0 || !(Number.isInteger(times) && times >= leastTimes)) {
  console.error(
    `error: expected names of ${names.join(", ")}, and --times of ${leastTimes} or more`,
  );
  process.exit(2);
}
const of = version(); // before anything takes time: somebody may go on writing
const python = values.peers ? await pythonWith("requirements.txt") : undefined;
const flower = values.flower ? await pythonWith("requirements-flower.txt") : undefined;

const { cpu, cores, node } = machine();
const { commit, dirty } = of;
console.log(`${cpu}, ${cores} cores, node ${node}, commit ${commit}${dirty ? ", changed" : ""}`);
console.log(heading());
const rows = [];
for (const suite of names.filter(
  (name) => positionals.length === 0 || positionals.includes(name),
)) {
  const { title, items } = await import(`./suites/${suite}.js`);
  console.log(title);
  for await (const item of items({ flower, times })) {
    const row = { suite, ...(await measure(item, { times, python })) };
    rows.push(row);
    console.log(line(row));
  }
}
const others = rows.flatMap(({ sides }) => Object.values(sides).map((side) => side.versions));
const versions = Object.assign({}, ...others);
const told = Object.entries(versions).map(([name, what]) => `${name} ${what}`);
if (told.length > 0) console.log(`other sides: ${told.join(", ")}`);
console.log(`kept in ${await keep(of, rows)}`);
process.exit(0); // linear algebra and CLAIR leave threads behind
