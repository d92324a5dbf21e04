// Does an update take longer with more registered clients, or after more rounds? Linear regression,
// from the timings.jsonl of runs.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runFedclair, readTimings } from "../harness/fedclair.js";

export const title =
  "flatness: a client's update with 100 clients per round, linear regression; coordinator's MB";

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
      // The first round is left out because it includes setup.
      const run = async () => summarize((await runTimings(file, set)).slice(1));
      yield { name: `of ${clients.toLocaleString("en-US")}, ${way}`, sides: { fedclair: { run } } };
    }
  }
  const many = ["--set", "rounds=10000", "--set", "cohort.count=10", "--transport", "memory"];
  const lines = await runTimings(file, many);
  for (const from of [1, 9000]) {
    const run = () => summarize(lines.slice(from, from + 999), 10);
    const name = `rounds ${from + 1} to ${from + 999} of 10,000, ten a round`;
    yield { name, sides: { fedclair: { run, once: true } } };
  }
}

/** Runs a trial. @returns its timings, one object per round */
async function runTimings(file, how) {
  const { out } = await runFedclair(file, how);
  return readTimings(out);
}

/** Computes milliseconds per update and peak memory. */
function summarize(lines, updates = cohort) {
  const seconds = lines.reduce(
    (total, { seconds: { train, aggregate }, writeSeconds }) =>
      total + train + aggregate + writeSeconds,
    0,
  );
  const most = lines.reduce((rss, line) => Math.max(rss, line.coordinatorRss), 0);
  return { ms: (1000 * seconds) / lines.length / updates, facts: { MB: most / 1e6 } };
}
