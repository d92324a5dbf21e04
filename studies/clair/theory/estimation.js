// Recovery under estimation error, by the decomposition: the space, and the errors of refined
// changes in parts. Runs are labelled by the study that varies one setting.
import { stream, subtract } from "@fedclair/linalg";
import { decompose, fitTruth, meanSquare, refineInTruth, sineTo } from "./decompose.js";
import { drawFederation, outsideOf } from "./federation.js";

/** Settings by study; the setting that varies is in the label. */
const studies = {
  noise: [0.0025, 0.005, 0.01, 0.02].map((noise) => ({ noise })),
  samples: [48, 72, 120, 216].map((samples) => ({ samples })),
  clients: [10, 20, 40, 80].map((clients) => ({ clients, contaminated: 0.3 * clients })),
  common: [{ common: 1 }],
  // The break-even is at 0.36.
  pays: [0, 0.15, 0.25, 0.34, 0.38, 0.45, 0.6].map((ownPart) => ({ ownPart })),
};

/** @param {string} _out @param {import("./decompose.js").Options} options */
export async function measure(_out, { seeds = 20, wants }) {
  const runs = [];
  for (const [study, settings] of Object.entries(studies).filter(([study]) => wants({ study })))
    for (const setting of settings)
      // A share close to one takes more cases than a mean.
      for (let seed = 1; seed <= (study === "pays" ? 2 : 1) * seeds; seed++) {
        const rng = stream("estimation").at(study, JSON.stringify(setting), seed);
        const federation = drawFederation(rng, { attack: "colluders", ...setting });
        const labels = { study, ...toText(federation.setting) };
        runs.push({ seed, labels, measures: await measureParts(federation) });
      }
  return runs;
}

function toText(setting) {
  return Object.fromEntries(Object.entries(setting).map(([key, value]) => [key, String(value)]));
}

async function measureParts(federation) {
  const [{ space, truths, sent }] = federation.modules;
  const { isExact, refined, spaces } = await decompose(federation, "gap");
  // A client that is not refined keeps its own change.
  const final = sent.map((own, k) => refined[k][0] ?? own);
  const known = refineInTruth(federation);
  const errorOf = (matrices, part = (x) => x) =>
    meanSquare(federation, (k) => part(subtract(matrices[k], truths[k])));
  const insideOf = (x) => subtract(x, outsideOf(space, x));
  return {
    exact: Number(isExact),
    sine: sineTo(space, spaces[0]),
    toTruth: sineTo(fitTruth(federation), spaces[0]),
    own: errorOf(sent),
    refined: errorOf(final),
    known: errorOf(known),
    outside: errorOf(final, (x) => outsideOf(space, x)),
    ownInside: errorOf(sent, insideOf),
    inside: errorOf(final, insideOf),
    farOut: meanSquare(federation, (k) => outsideOf(spaces[0], sent[k])),
  };
}
