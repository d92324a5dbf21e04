// npm run separation [-- --seeds N]: measures how well CLAIR's rules gap and evidence, and a plain
// reference rule, separate contaminated from benign clients, by kind of federation. Each cell has
// three numbers: gap, evidence, reference.
import { loadBackend } from "@fedclair/compute";
import { stream } from "@fedclair/linalg";
import { loadBuiltIn } from "@fedclair/plugins";
import { parseArguments } from "../../scripts/arguments.js";
import { loadPile, piles } from "./federations.js";
import { judgeAdapters, judgeRounds, rate, rules } from "./separation/judge.js";
import {
  shareWithFalseAlarm,
  rocArea,
  shareOf,
  calibrateThreshold,
} from "./separation/measures.js";

const { values } = parseArguments({ options: { seeds: { type: "string", default: "10" } } });
const seeds = Number(values.seeds);

/**
 * Factors on the number of seeds, by trial: with its attacks, and without them to calibrate the
 * threshold. Quick trials run more often.
 */
const trials = {
  "linear-regression/gaussian": { attacked: 10, clean: 10 },
  "denoising/collude-002": { attacked: 10, clean: 10 },
  "denoising/gaussian-001": { attacked: 10, clean: 10 },
  "denoising/sign-flip": { attacked: 10, clean: 10 },
  "network/shuffled": { attacked: 3, clean: 10 },
  "network/negated": { attacked: 3, clean: 10 },
  "network/few-samples": { attacked: 10, clean: 10 },
  "copy-average/other-teacher": { attacked: 1, clean: 4 },
  "copy-average/noise": { attacked: 1, clean: 3 },
  "digits/iid-label-flip": { attacked: 1, clean: 2 },
  "digits/dirichlet-label-flip": { attacked: 2, clean: 2 },
  "text-copy/synthetic": { attacked: 1, clean: 3 },
};
const ofPiles = { attacked: 5, clean: 10 };

await loadBackend("wasm");
const plugins = await loadBuiltIn();
console.log(
  "| federations: kind, attacked, clean | ROC area | flagged | undecided | false alarm | false alarm, clean | flagged, calibrated |",
);
console.log(`|${" --- |".repeat(7)}`);

for (const [name, times] of Object.entries(trials)) {
  const rounds = async (first, count, set) => {
    const all = [];
    for (let seed = first; seed < first + count; seed++) {
      const judged = judgeRounds(name, plugins, [`seed=${seed}`, ...set]);
      for await (const federation of judged) all.push(federation);
    }
    return all;
  };
  const attacked = await rounds(1, seeds * times.attacked, []);
  const clean = await rounds(1001, seeds * times.clean, ["attacks=[]"]);
  report(name, attacked, clean);
}

for (const name of piles) {
  const pile = await loadPile(name);
  const subsets = async (kind) => {
    const all = [];
    for (let run = 0; run < seeds * ofPiles[kind]; run++) {
      all.push(
        await judgeAdapters(pile, stream("separation").at(name, kind, run), kind === "clean"),
      );
    }
    return all;
  };
  report(`real adapters, ${name}`, await subsets("attacked"), await subsets("clean"));
}
process.exit(0); // linear algebra and CLAIR leave threads behind

/** Prints a row. */
function report(name, attacked, clean) {
  const cell = (measure) =>
    rules
      .map((rule) => {
        const of = (federations) => federations.map((federation) => federation[rule]);
        return measure(of(attacked), of(clean)).toFixed(2);
      })
      .join(", ");
  const cells = [
    cell((own) => own.map(rocArea).reduce((x, y) => x + y) / own.length),
    cell((own) => shareOf(own, ({ status }) => status === "contaminated")),
    cell((own) => shareOf(own, ({ status }) => status === "undecided")),
    cell((own) => shareWithFalseAlarm(own)),
    cell((_, cleanOnes) => shareWithFalseAlarm(cleanOnes)),
    cell((own, cleanOnes) => {
      const threshold = calibrateThreshold(cleanOnes, rate);
      return shareOf(own, ({ score }) => score > threshold);
    }),
  ];
  console.log(`| ${name}, ${attacked.length}, ${clean.length} | ${cells.join(" | ")} |`);
}
