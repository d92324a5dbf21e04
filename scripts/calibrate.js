// npm run calibrate -- [--rate R] [--seeds N]: runs trials without their attacks, and subsets of honest real adapters, and counts
// in how many of these clean federations CLAIR's rule `evidence` accuses somebody. The share should be near the rate.
import { parseArgs } from "node:util";
import { loadBackend } from "@fedclair/compute";
import { ClientRunner, MemoryPool } from "@fedclair/core";
import { loadBuiltIn } from "@fedclair/plugins";
import { readTrialFile, runTrial } from "@fedclair/runs";
import { clairSchema } from "@fedclair/aggregators";
import { stream } from "@fedclair/linalg";
import { compareAdapters } from "../apps/simulator/dist/src/audit/compare-adapters.js";
import { findAdapters } from "../apps/simulator/dist/src/adapters/find-adapters.js";

const { values } = parseArgs({
  options: { rate: { type: "string", default: "0.01" }, seeds: { type: "string", default: "10" } },
});
const rate = Number(values.rate);
const seeds = Number(values.seeds);

/** By trial, how many times as many seeds: quick ones more. */
const trials = {
  "linear-regression/gaussian": 8,
  "denoising/collude-002": 8,
  "denoising/sign-flip": 8,
  "network/shuffled": 4,
  "network/few-samples": 4,
  "copy-average/other-teacher": 1,
  "digits/iid-label-flip": 1,
  "digits/dirichlet-label-flip": 1,
  "text-copy/synthetic": 1,
};

await loadBackend("wasm");
const plugins = await loadBuiltIn();
const { signal } = new AbortController();
const total = { federations: 0, accused: 0 };

for (const [name, times] of Object.entries(trials)) {
  const seen = { federations: 0, accused: 0, undecided: 0 };
  for (let seed = 1001; seed <= 1000 + seeds * times; seed++) {
    const set = [`seed=${seed}`, "attacks=[]", "baselines=[]", "evaluate=never"];
    const rule = [`aggregator={name: clair, rule: evidence, falseAlarmRate: ${rate}}`];
    const trial = await readTrialFile(`trials/${name}.yaml`, plugins, [...set, ...rule]);
    const pool = new MemoryPool(new ClientRunner(trial, plugins));
    await pool.ready(signal);
    for await (const { event } of runTrial(trial, plugins, pool, signal)) {
      if (event.kind === "round")
        count(
          seen,
          event.record.clients.map(({ verdict }) => verdict),
        );
    }
    await pool.close();
  }
  report(name, seen);
}

for (const pile of ["presidents", "presidents-own-a0"]) {
  const seen = { federations: 0, accused: 0, undecided: 0 };
  const found = await findAdapters([`apps/simulator/fixtures/adapters/${pile}`]);
  const honest = found.adapters.filter((adapter) => !adapter.name.startsWith("bad-"));
  const options = clairSchema.parse({ rule: "evidence", falseAlarmRate: rate, rank: 1 });
  for (let run = 0; run < 5 * seeds; run++) {
    const rng = stream("calibrate").at(pile, run);
    const size = 8 + rng.int(honest.length - 7);
    const adapters = rng
      .sample([...honest.keys()])
      .slice(0, size)
      .map((k) => honest[k]);
    const { comparison } = await compareAdapters({ adapters, options, refine: false });
    count(
      seen,
      comparison.adapters.map(({ status }) => status),
    );
  }
  report(`real adapters, ${pile}`, seen);
}
const share = total.accused / total.federations;
console.log(
  `${total.federations} clean federations, ${total.accused} with an accused client: ${share.toFixed(4)}, asked ${rate}`,
);
process.exit(0);

function count(seen, verdicts) {
  seen.federations++;
  if (verdicts.includes("contaminated")) seen.accused++;
  if (verdicts.includes("undecided")) seen.undecided++;
}

function report(name, { federations, accused, undecided }) {
  total.federations += federations;
  total.accused += accused;
  console.log(
    `${name.padEnd(34)} ${federations} federations, ${accused} with an accused client, ${undecided} with an undecided one`,
  );
}
