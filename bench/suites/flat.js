// Does an update take as long with more registered clients, and after more rounds? Linear regression, from what runs write to timings.jsonl.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fedclairRun, timingsOf } from "../harness/fedclair.js";

export const title =
  "flatness: a client's update, of 100 clients a round, linear regression; MB of the coordinator";

const folder = fileURLToPath(new URL("../../runs/bench", import.meta.url));
const cohort = 100;
const ways = { "in memory": ["--transport", "memory"], "over sockets": ["--hosts", "1"] };

export async function* items() {
  await mkdir(folder, { recursive: true });
  const file = join(folder, "flat.yaml");
  const trial = { name: "flat", rounds: 30, clients: 100, cohort: { count: cohort } };
  const rest = { task: { name: "linear-regression" }, aggregator: { name: "fedavg" } };
  await writeFile(file, JSON.stringify({ ...trial, ...rest, evaluate: "never" }));
  for (const [way, options] of Object.entries(ways)) {
    for (const clients of [100, 1000, 10_000, 100_000, 1_000_000]) {
      const set = ["--set", `clients=${clients}`, ...options];
      // In the first round all is new.
      const run = async () => told((await timings(file, set)).slice(1));
      yield { name: `of ${clients.toLocaleString("en-US")}, ${way}`, sides: { fedclair: { run } } };
    }
  }
  const many = ["--set", "rounds=10000", "--set", "cohort.count=10", "--transport", "memory"];
  const lines = await timings(file, many);
  for (const from of [1, 9000]) {
    const run = () => told(lines.slice(from, from + 999), 10);
    const name = `rounds ${from + 1} to ${from + 999} of 10,000, ten a round`;
    yield { name, sides: { fedclair: { run, once: true } } };
  }
}

/** A line a round. */
async function timings(file, how) {
  const { out } = await fedclairRun(file, how);
  return timingsOf(out);
}

/** Milliseconds an update, and the most memory. */
function told(lines, updates = cohort) {
  const seconds = lines.reduce(
    (total, { seconds: { train, aggregate }, writeSeconds }) =>
      total + train + aggregate + writeSeconds,
    0,
  );
  const most = lines.reduce((rss, line) => Math.max(rss, line.coordinatorRss), 0);
  return { ms: (1000 * seconds) / lines.length / updates, facts: { MB: most / 1e6 } };
}
