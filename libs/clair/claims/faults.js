// Faults of the method that must make a claim fall. Each replaces a piece of built code.

const clair = "libs/clair/dist/src";
const theory = "studies/clair/theory";
const fit = {
  file: `${clair}/space/fit.js`,
  from: "leadingLeft(pick(view.blocks, members), rank, known)",
};
const inside = { file: `${clair}/judge/gap.js`, from: "const inside = new Set(benign);" };
const decide = { file: `${clair}/judge/evidence.js`, from: "if (score > upper)" };
const refineModule = `${clair}/refine/refine-module.js`;

/** The space is fitted to everybody, contaminated clients included. */
export const fitsAll = { ...fit, to: "leadingLeft(view.blocks, rank)" };

/** The space is that of a single client. */
export const fitsOne = { ...fit, to: "leadingLeft(pick(view.blocks, members.slice(0, 1)), rank)" };

/** The first of the clients that fit the space is left out. */
export const leavesOneOut = {
  ...fit,
  to: "leadingLeft(pick(view.blocks, members.slice(1)), rank)",
};

/** The space has twice as many dimensions. */
export const doublesRank = {
  file: `${theory}/decompose.js`,
  from: "parse({ rule, rank, centered })",
  to: "parse({ rule, rank: 2 * federation.setting.rank, centered })",
};

/** Each judge flags nobody. */
export const flagsNobody = {
  gap: { ...inside, to: "const inside = new Set(scores.keys());" },
  evidence: { ...decide, to: "if (score > Infinity)" },
};

/** The threshold is near the scores of contaminated clients, so verdicts depend on the bank. */
export const raisesThreshold = { ...decide, to: "if (score > 4 * upper)" };

/** Each judge flags everybody. */
export const flagsAll = {
  gap: { ...inside, to: "const inside = new Set();" },
  evidence: { ...decide, to: "if (score > -1)" },
};

/** Everybody gets the part of one client outside the space, and not the mean. */
export const averagesNothing = {
  file: refineModule,
  from: "cuts.map((cut, k) => cut * item(weights, k))",
  to: "cuts.map((_, k) => Number(k === 0))",
};

/** The mean of the parts outside the space is that of four clients. */
export const averagesFew = {
  ...averagesNothing,
  to: "cuts.map((cut, k) => (k < 4 ? cut / 4 : 0))",
};

/** Everybody gets the part of one client inside the space, and not their own. */
export const sharesInside = {
  file: refineModule,
  from: "inside.push(split.inside)",
  to: "inside.push(inside[0] ?? split.inside)",
};

/** All clients estimate from the same samples. */
export const sameSamples = {
  file: `${theory}/federation.js`,
  from: 'rng.at("error", k)',
  to: 'rng.at("error", 0)',
};
