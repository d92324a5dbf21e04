// npm run calibrate -- [--rate R] [--seeds N]: runs trials without their attacks, and subsets of honest real adapters, and counts
// in how many of these clean federations CLAIR's rule `evidence` accuses somebody. The share should be near the rate.
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { clairAggregator, clairSchema } from "@fedclair/aggregators";
import { stream } from "@fedclair/linalg";
import { argumentsOf } from "./arguments.js";
import { pileOf, piles, roundsOf, someOf } from "./federations.js";

const { values } = argumentsOf({
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
const total = { federations: 0, accused: 0 };

for (const [name, times] of Object.entries(trials)) {
  const seen = { federations: 0, accused: 0, undecided: 0 };
  for (let seed = 1001; seed <= 1000 + seeds * times; seed++) {
    const rule = `aggregator={name: clair, rule: evidence, falseAlarmRate: ${rate}}`;
    const rounds = roundsOf(name, plugins, [`seed=${seed}`, "attacks=[]", rule]);
    for await (const { clients } of rounds) count(seen, clients);
  }
  report(name, seen);
}

const options = clairSchema.parse({ rule: "evidence", falseAlarmRate: rate, rank: 1 });
const clair = clairAggregator.create(options);
for (const name of piles) {
  const seen = { federations: 0, accused: 0, undecided: 0 };
  const { honest } = await pileOf(name);
  for (let run = 0; run < 5 * seeds; run++) {
    const rng = stream("calibrate").at(name, run);
    const updates = someOf(honest, rng);
    const { verdicts } = await clair.aggregate({ round: 1, phase: "train", updates, rng });
    const clients = verdicts.map(({ status }) => ({ verdict: status }));
    count(seen, clients);
  }
  report(`real adapters, ${name}`, seen);
}
const share = total.accused / total.federations;
console.log(
  `${total.federations} clean federations, ${total.accused} with an accused client: ${share.toFixed(4)}, asked ${rate}`,
);
process.exit(0);

function count(seen, clients) {
  const verdicts = clients.map(({ verdict }) => verdict);
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
