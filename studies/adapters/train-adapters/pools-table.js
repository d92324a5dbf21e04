// A table of trained pools, from the pool.json of each.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { markdown } from "../../support/text.js";

/** @param pools with their folder */
export async function poolsTable(pools) {
  const rows = [["pool", "adapter", "A₀", "steps", "rate", "gain", "range", "seconds"]];
  for (const { name, folder } of pools) {
    rows.push(row(name, JSON.parse(await readFile(join(folder, "pool.json"), "utf8"))));
  }
  return markdown(rows);
}

/** @param pool the content of pool.json; gains are in nats per token */
function row(name, pool) {
  const gains = pool.adapters
    .filter(({ own }) => own !== undefined)
    .map(({ base, own }) => base - own);
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
  return [
    name,
    `r ${pool.ranks.join(", ")}, ${pool.modules.split(",").join(", ")}${pool.rslora ? ", rsLoRA" : ""}`,
    pool.ownA0 ? "own" : "common",
    range(pool.steps, String),
    range(pool.rates, (rate) => rate.toExponential()),
    mean.toFixed(3),
    `${Math.min(...gains).toFixed(3)} to ${Math.max(...gains).toFixed(3)}`,
    String(pool.seconds),
  ];
}

function range([low, high], format) {
  return low === high ? format(low) : `${format(low)} to ${format(high)}`;
}
