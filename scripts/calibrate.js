// npm run calibrate [-- --rate R --seeds N]: runs trials without their attacks, and subsets of
// benign real adapters, and counts in how many of these clean federations CLAIR's rule `evidence`
// flags a client. The share should be close to the rate.
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { clairAggregator, clairSchema } from "@fedclair/aggregators";
import { stream } from "@fedclair/linalg";
import { parseArguments } from "./arguments.js";
import { loadPile, piles, runRounds, sampleBenign } from "./federations.js";

const { values } = parseArguments({
  options: { rate: { type: "string", default: "0.01" }, seeds: { type: "string", default: "10" } },
});
const rate = Number(values.rate);
const seeds = Number(values.seeds);

/** Factor on the number of seeds, by trial: quick trials run more often. */
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
const total = { federations: 0, flagged: 0 };

for (const [name, times] of Object.entries(trials)) {
  const counts = { federations: 0, flagged: 0, undecided: 0 };
  for (let seed = 1001; seed <= 1000 + seeds * times; seed++) {
    const rule = `aggregator={name: clair, rule: evidence, falseAlarmRate: ${rate}}`;
    const rounds = runRounds(name, plugins, [`seed=${seed}`, "attacks=[]", rule]);
    for await (const { clients } of rounds) count(counts, clients);
  }
  report(name, counts);
}

const options = clairSchema.parse({ rule: "evidence", falseAlarmRate: rate, rank: 1 });
const clair = clairAggregator.create(options);
for (const name of piles) {
  const counts = { federations: 0, flagged: 0, undecided: 0 };
  const { benign } = await loadPile(name);
  for (let run = 0; run < 5 * seeds; run++) {
    const rng = stream("calibrate").at(name, run);
    const updates = sampleBenign(benign, rng);
    const { verdicts } = await clair.aggregate({ round: 1, phase: "train", updates, rng });
    const clients = verdicts.map(({ status }) => ({ verdict: status }));
    count(counts, clients);
  }
  report(`real adapters, ${name}`, counts);
}
const share = total.flagged / total.federations;
console.log(
  `${total.federations} clean federations, ${total.flagged} with a false alarm: ${share.toFixed(4)}, requested ${rate}`,
);
process.exit(0);

function count(counts, clients) {
  const verdicts = clients.map(({ verdict }) => verdict);
  counts.federations++;
  if (verdicts.includes("contaminated")) counts.flagged++;
  if (verdicts.includes("undecided")) counts.undecided++;
}

function report(name, { federations, flagged, undecided }) {
  total.federations += federations;
  total.flagged += flagged;
  console.log(
    `${name.padEnd(34)} ${federations} federations, ${flagged} with a false alarm, ${undecided} with an undecided client`,
  );
}
