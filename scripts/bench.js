// npm run bench: times linear algebra, robust rules and CLAIR on this machine, beside other libraries' times (ratio below 1: faster).
import { bench as clair } from "../libs/aggregators/bench/clair.js";
import { bench as robust } from "../libs/aggregators/bench/robust.js";
import { bench as linalg } from "../libs/linalg/bench/linalg.js";

const suites = {
  "linear algebra, beside ml-matrix": linalg,
  "robust rules, beside the NumPy rules of ByzFL": robust,
  "CLAIR, beside a NumPy reference": clair,
};

for (const [title, bench] of Object.entries(suites)) {
  console.log(title);
  for (const { name, ms, gflops, reference } of await bench()) {
    const columns = [
      `  ${name.padEnd(46)}`,
      `${ms.toFixed(1).padStart(9)} ms`,
      gflops === undefined ? "" : `${gflops.toFixed(1)} GFLOP/s`,
      reference === undefined
        ? ""
        : `${reference.toFixed(0)} ms, ratio ${(ms / reference).toFixed(2)}`,
    ];
    console.log(columns.filter(Boolean).join("  "));
  }
}
process.exit(0);
