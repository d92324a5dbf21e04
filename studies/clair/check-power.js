// npm run lab -- check-power [--seeds N --rounds N]: compares what `fedclair power` foretells with
// what happens. For every trial and kind it prints the share of planted attackers that are flagged
// in rounds of N seeds, with its interval, and the share of real ones in other rounds.
import { measurePower } from "@fedclair/audit";
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { wilsonInterval } from "@fedclair/runs";
import { parseArguments } from "../../scripts/arguments.js";
import { runRounds } from "./federations.js";
import { trialFile } from "../../scripts/shipped.js";

const { values } = parseArguments({
  options: { seeds: { type: "string", default: "25" }, rounds: { type: "string", default: "200" } },
});
const rounds = Number(values.rounds);

/** Trials, all with one round. */
const trials = ["linear-regression/gaussian", "digits/iid-label-flip", "text-copy/synthetic"];
/** The attack of each kind. */
const attacks = {
  boosted: { name: "scaling", factor: 5 },
  doubled: { name: "scaling", factor: 2 },
  flipped: { name: "sign-flip" },
  noise: { name: "gaussian-update" },
};
/** Seeds of real attackers begin here, so that none is one of the planted rounds. */
const firstSeed = 5001;

await loadBackend("wasm");
const plugins = await loadBuiltIn();
const oneRound = ["rounds=1", "aggregator.rule=evidence"];
console.log("| trial | kind | planted: flagged | real: flagged | agree |");
console.log(`|${" --- |".repeat(5)}`);
for (const name of trials) {
  const { kinds } = await measurePower(trialFile(name), {
    set: oneRound,
    seeds: values.seeds,
  });
  for (const [kind, attack] of Object.entries(attacks)) {
    const hits = await countFlagged(name, [`attacks=${JSON.stringify([{ attack, count: 1 }])}`]);
    const real = { share: hits / rounds, ...wilsonInterval(hits, rounds) };
    const { flagged } = kinds[kind];
    const agree = real.low <= flagged.high && flagged.low <= real.high;
    console.log(
      `| ${name} | ${kind} | ${format(flagged)} | ${format(real)} | ${agree ? "yes" : "no"} |`,
    );
  }
}
process.exit(0); // linear algebra and CLAIR leave threads behind

/** In how many rounds of different seeds the contaminated client is flagged. */
async function countFlagged(name, set) {
  let hits = 0;
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    for await (const { clients } of runRounds(name, plugins, [
      `seed=${seed}`,
      `task.dataSeed=${seed}`,
      ...oneRound,
      ...set,
    ])) {
      if (clients.some(({ attack, verdict }) => attack !== null && verdict === "contaminated"))
        hits++;
    }
  }
  return hits;
}

function format({ share, low, high }) {
  const percent = (x) => (100 * x).toFixed(0);
  return `${percent(share)} (${percent(low)}–${percent(high)}) %`;
}
