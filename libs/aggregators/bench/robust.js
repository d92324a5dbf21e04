// node libs/aggregators/bench/robust.js: robust rules on flattened updates, beside the NumPy rules of ByzFL. Build first.
import { pathToFileURL } from "node:url";
import {
  coordinateMedian,
  geometricMedian,
  krum,
  mixNearestNeighbours,
} from "@fedclair/aggregators";
import { stream } from "@fedclair/linalg";
import { Bench } from "tinybench";

/** Clients, numbers of an update, and the medians of ByzFL's NumPy rules at that size, in milliseconds. */
const sizes = [
  {
    clients: 20,
    length: 1_000_000,
    reference: { median: 340, krum: 434, geometric: 362, nnm: 1935 },
  },
  {
    clients: 100,
    length: 100_000,
    reference: { median: 146, krum: 400, geometric: 103, nnm: 4151 },
  },
];

/**
 * Times each rule five times on standard normal updates, after a run to warm up.
 * @returns {Promise<{ name: string, ms: number, reference: number }[]>} medians, in milliseconds
 */
export async function bench() {
  const rows = [];
  for (const { clients, length, reference } of sizes) {
    const updates = Array.from({ length: clients }, (_, k) =>
      stream("bench").at(k).normals(length),
    );
    const f = clients / 5;
    const rules = {
      median: ["coordinate median", () => coordinateMedian(updates)],
      krum: ["Krum", () => krum(updates, f)],
      geometric: ["geometric median", () => geometricMedian(updates)],
      nnm: ["nearest-neighbour mixing", () => mixNearestNeighbours(updates, f)],
    };
    const timing = new Bench({ iterations: 5, time: 0, warmupIterations: 1, warmupTime: 0 });
    for (const [rule, [, run]] of Object.entries(rules)) timing.add(rule, run);
    for (const { name, result } of await timing.run()) {
      rows.push({
        name: `${rules[name][0]}, ${clients} × ${length}`,
        ms: result.latency.p50,
        reference: reference[name],
      });
    }
  }
  return rows;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  console.log("median ms, ByzFL (NumPy) in brackets");
  for (const { name, ms, reference } of await bench()) {
    console.log(`${name.padEnd(45)} ${ms.toFixed(0).padStart(5)} (${reference})`);
  }
}
