import type { Evidence } from "@fedclair/core";
import { controlKinds, controlMeanings, type ControlKind, type Power } from "./controls.js";
import { oppositeMeanings, pieceMeanings, type PieceKind } from "./pieces.js";

/** A piece of evidence with a meaning. */
export type Strength = Evidence & { readonly kind: PieceKind };

/** Fewer deviations are not worth a word. */
const leastWorth = 1;

/**
 * Says in one sentence why a client stands out, with its two strongest pieces of evidence.
 * @param strongest the largest first
 */
export function describeEvidence(strongest: readonly Strength[], isFlagged: boolean): string {
  const told = strongest
    .slice(0, 2)
    .filter(({ deviations }, i) => i === 0 || deviations >= leastWorth)
    .map(({ kind, deviations, statistic, rounds = 0 }) => {
      // Over rounds the statistic is a signed average.
      const meanings = rounds > 0 && statistic < 0 ? oppositeMeanings : pieceMeanings;
      return `${meanings[kind]} (${deviations.toFixed(1)} deviations)`;
    });
  const sentence = told.join(" and ");
  return isFlagged ? sentence : `${sentence}, which honest clients do as well`;
}

/**
 * Says what a client about whom nothing stands out is cleared of.
 * @param required kinds that it must be cleared of
 */
export function describeControls(
  cleared: readonly ControlKind[],
  power: Power,
  required: readonly ControlKind[],
  isTooFew: boolean,
): string {
  if (isTooFew) return "nothing stands out, but so few clients cannot show that nothing would";
  const missing = required.filter((kind) => !cleared.includes(kind));
  if (missing.length > 0) {
    return `nothing stands out, but neither would ${missing.map((kind) => controlMeanings[kind]).join(", or ")}`;
  }
  if (cleared.length === 0) {
    return "nothing stands out, but no attacker that was planted to try it did either";
  }
  const found = cleared.map((kind) => controlMeanings[kind]).join(", ");
  const others = controlKinds.filter((kind) => !cleared.includes(kind));
  const sentence = `nothing stands out; here ${found} would`;
  if (others.length === 0) return sentence;
  const rest = others.map(
    (kind) => `${controlMeanings[kind]} in ${Math.floor(100 * power[kind])} % of attempts`,
  );
  return `${sentence}, ${rest.join(", ")}`;
}
