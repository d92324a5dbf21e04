// CLAIR on a federation whose truth is known, and what it found beside that truth.
import { clair, clairSchema, readShippedBank, refine } from "@fedclair/clair";
import { toDense } from "@fedclair/core";
import { addScaled, frobenius, leadingLeft, mean, subtract, thinSvd } from "@fedclair/linalg";
import { readBankWithout } from "../bank/without.js";
import { outsideOf } from "./federation.js";

/**
 * Who judges: rule `gap`; rule `evidence` with a bank that lacks the trials that are like these
 * federations; or with the shipped bank, which knows them.
 */
export const judges = /** @type {const} */ (["gap", "evidence", "evidence, shipped bank"]);

/**
 * @typedef {object} Options how much a study measures
 * @property {number} [seeds]
 * @property {(labels: Readonly<Record<string, string>>) => boolean} wants whether runs with these
 * labels are needed
 */

/** Judges that have not seen the like. */
export const fairJudges = judges.slice(0, 2);

/**
 * Runs CLAIR with one judge.
 * @param {ReturnType<typeof import("./federation.js").drawFederation>} federation
 * @param {typeof judges[number]} judge
 * @param {number | "auto"} [rank] default: that of the true space
 */
export async function decompose(federation, judge, rank = federation.setting.rank) {
  // A common part outside the space would be taken for a part of the space.
  const centered = federation.setting.common > 0;
  const rule = judge === "gap" ? "gap" : "evidence";
  const options = clairSchema.parse({ rule, rank, centered });
  const bank = judge === "evidence" ? readBankWithout("denoising") : readShippedBank();
  const result = await clair(federation.updates, options, { bank });
  try {
    const refined = await refine(result, options);
    const statuses = federation.updates.map(({ clientId }) => result.status.get(clientId));
    const flagged = statuses.map((status) => status === "contaminated");
    return {
      flagged,
      benign: statuses.filter((status) => status === "benign").length,
      isExact: flagged.every((one, k) => one === federation.isBad[k]),
      pooled: result.pooled.map(({ id }) => Number(id.slice(1))),
      spaces: [...result.spaces.values()].map(({ left }) => left),
      refined: federation.updates.map(({ clientId }) =>
        [...refined.values()].map((module) => refinedOf(module, clientId)),
      ),
    };
  } finally {
    result.modules.close();
  }
}

/**
 * The refined change of one module; undefined for a client that is not refined.
 * @param {import("@fedclair/clair").Refined} module
 * @param {string} id
 */
function refinedOf({ personal, shared, common, extraShares }, id) {
  const own = personal.get(id);
  if (own === undefined) return undefined;
  const sum = toDense(own).copy();
  addScaled(sum, 1, toDense(shared));
  if (common !== undefined) addScaled(sum, extraShares.get(id) ?? 0, toDense(common));
  return sum;
}

/** The largest sine of the angles between two spaces; 1 if they differ in their dimensions. */
export function sineTo(space, found) {
  const sineOf = (one, other) => thinSvd(outsideOf(other, one)).s[0];
  return Math.max(sineOf(space, found), sineOf(found, space));
}

/** The space that fits the changes of exactly the benign clients. */
export function fitTruth({ modules: [{ sent }], isBad, setting }) {
  return leadingLeft(
    sent.filter((_, k) => !isBad[k]),
    setting.rank,
  );
}

/** Mean over benign clients of a squared norm. */
export function meanSquare({ isBad }, matrixOf) {
  const benign = [...isBad.keys()].filter((k) => !isBad[k]);
  return mean(benign.map((k) => frobenius(matrixOf(k)) ** 2));
}

/** Π(X) + mean of the rest, in the true space: what knowing the space would give. */
export function refineInTruth({ modules: [{ space, sent }], isBad }) {
  const benign = sent.filter((_, k) => !isBad[k]);
  const average = benign[0].scale(1 / benign.length);
  for (const one of benign.slice(1)) addScaled(average, 1 / benign.length, one);
  const shared = outsideOf(space, average);
  return sent.map((one) => {
    const refined = subtract(one, outsideOf(space, one));
    addScaled(refined, 1, shared);
    return refined;
  });
}
