// Attacks inside the shared space, which lie where benign clients lie, and federations without a
// contaminated client.
import { addScaled, frobenius, stream, subtract } from "@fedclair/linalg";
import { decompose, fairJudges, judges, meanSquare } from "./decompose.js";
import { drawFederation, usual } from "./federation.js";

export const kinds = /** @type {const} */ (["flipped", "boosted", "target"]);

/** @param {string} _out @param {import("./decompose.js").Options} options */
export async function measure(_out, { seeds = 20, wants }) {
  const runs = [];
  const panel = (attack, some) => some.filter((judge) => wants({ attack, judge }));
  for (const attack of kinds)
    for (let seed = 1; seed <= seeds; seed++)
      runs.push(...(await judgeAttack(attack, seed, { attack }, panel(attack, judges))));
  for (let seed = 1; seed <= 10 * seeds; seed++)
    runs.push(...(await judgeAttack("none", seed, { contaminated: 0 }, panel("none", fairJudges))));
  return runs;
}

/** @param {readonly typeof judges[number][]} panel */
async function judgeAttack(name, seed, setting, panel) {
  const federation = drawFederation(stream("inside").at(name, seed), setting);
  const [{ truths, sent }] = federation.modules;
  const withBenign = { ...federation, updates: federation.updates.filter(isBenign) };
  const runs = [];
  for (const judge of panel) {
    const found = await decompose(federation, judge);
    const { flagged, benign: cleared, refined, pooled } = found;
    const alone = federation.isBad.includes(true) ? await decompose(withBenign, judge) : found;
    const errorOf = (all) =>
      meanSquare(federation, (k) => subtract(all[k]?.[0] ?? sent[k], truths[k]));
    const benign = sent.filter(isBenign);
    const taken = pooled.length > 0 ? pooled.map((k) => sent[k]) : benign;
    const shift = subtract(meanOf(taken), meanOf(benign));
    const measures = {
      found: flagged.filter((one, k) => one && federation.isBad[k]).length,
      contaminated: federation.setting.contaminated,
      falseAlarms: flagged.filter((one, k) => one && !federation.isBad[k]).length,
      mostBenign: Number(2 * cleared > flagged.length),
      // of the benign clients' refined changes, over that without contaminated clients
      error: errorOf(refined) / errorOf(alone.refined),
      shift: frobenius(shift) / Math.sqrt(usual.rank),
    };
    runs.push({ seed, labels: { attack: name, judge }, measures });
  }
  return runs;

  function isBenign(_, k) {
    return !federation.isBad[k];
  }
}

function meanOf(matrices) {
  const mean = matrices[0].scale(1 / matrices.length);
  for (const matrix of matrices.slice(1)) addScaled(mean, 1 / matrices.length, matrix);
  return mean;
}
