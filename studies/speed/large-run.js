import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadNamedPlugins } from "@fedclair/plugins";
import { linkTimings, prepareTrial } from "@fedclair/runs";
import { stringify } from "yaml";

/**
 * Writes a run with made-up records, in which every tenth client is contaminated and usually
 * flagged.
 * @param kinds number of pieces of evidence about each client
 */
export async function writeLargeRun(out, { clients, rounds, kinds }) {
  await mkdir(out);
  const small = join(import.meta.dirname, "../../trials/linear-regression/gaussian.yaml");
  const set = [`clients=${clients}`, `rounds=${rounds}`, "baselines=[]", "name=large"];
  const { trial } = await prepareTrial(small, set, loadNamedPlugins);
  await writeFile(join(out, "trial.yaml"), stringify(trial));
  const info = {
    hash: "0".repeat(64),
    version: "0",
    started: "2026-01-01T00:00:00Z",
    backend: "none",
  };
  await writeFile(join(out, "run.json"), JSON.stringify(info));
  const records = createWriteStream(join(out, "records.jsonl"));
  async function* writeRounds() {
    for (let round = 1; round <= rounds; round++) {
      const line = `${JSON.stringify(createRecord(round, clients, kinds))}\n`;
      if (!records.write(line)) await once(records, "drain");
      yield line;
    }
  }
  const seconds = { sample: 0, train: 1, aggregate: 0.2, evaluate: 0.3 };
  const measured = Array.from({ length: rounds }, (_, i) => {
    return { arm: "clair", round: i + 1, seconds, writeSeconds: 0, coordinatorRss: 2e8 };
  });
  const { timings } = await linkTimings(info.hash, writeRounds(), measured);
  await once(records.end(), "finish");
  await writeFile(
    join(out, "timings.jsonl"),
    timings.map((timing) => `${JSON.stringify(timing)}\n`).join(""),
  );
  const summary = {
    name: "large",
    seed: 1,
    arms: ["clair"],
    stopped: {},
    measures: {},
    details: [],
  };
  await writeFile(join(out, "summary.json"), JSON.stringify(summary));
}

function createRecord(round, clients, kinds) {
  const width = String(clients - 1).length;
  const all = Array.from({ length: clients }, (_, i) => {
    const isBad = i % 10 === 3;
    const noise = scatter(i, round, 0);
    const score = isBad ? 1.5 + 4 * noise : 1.9 * noise;
    return {
      clientId: `c${String(i).padStart(Math.max(2, width), "0")}`,
      attack: isBad ? "sign-flip" : null,
      failure: null,
      numExamples: 20,
      train: { loss: 1 / round + noise },
      verdict: score > 2 ? "contaminated" : "benign",
      score,
      threshold: 2,
      evidence: Array.from({ length: kinds }, (_, k) => ({
        kind: `kind-${k}`,
        statistic: scatter(i, round, 2 * k + 1),
        deviations: 3 * scatter(i, round, 2 * k + 2) + (isBad ? 2 : 0),
      })),
      evaluation: { error: 1 / round + noise / 10 },
    };
  });
  const bytes = { down: 1e6, up: 1e6 };
  return { arm: "clair", round, phase: "train", clients: all, metrics: {}, bytes };
}

/** A number in [0, 1) that is the same every time, and as hard to compress as a measured one. */
function scatter(i, round, k) {
  const x = Math.sin(12.9898 * i + 78.233 * round + 37.719 * k) * 43_758.5453;
  return Number((x - Math.floor(x)).toFixed(6));
}
