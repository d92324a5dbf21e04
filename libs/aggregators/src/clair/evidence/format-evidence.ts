import type { Evidence } from "@fedclair/core";

const phrases: Readonly<Record<string, string>> = {
  outside: "outside the shared space",
  opposed: "opposed to the others",
  apart: "apart from the others",
  size: "large",
  clique: "in a clique",
  copy: "a copy of another",
  flat: "as flat as noise",
};

/** Suffix of the kind of a piece that was measured on changes without their common part. */
export const varyingSuffix = ", in what varies";

/**
 * A single piece counts below the first p-value; two pieces together may count below the second.
 */
const [maxPValueAlone, maxPValueTogether] = [0.05, 0.2];

/** Whether the client lies so far outside the shared space that this flags it by itself. */
export function isFarOutside({ limit = Infinity, statistic }: Evidence): boolean {
  return statistic > limit;
}

/**
 * Formats the evidence against a client for people, each piece with its p-value. The result is
 * empty if no piece counts.
 */
export function formatEvidence(evidence: readonly Evidence[]): string {
  const opposed = evidence.filter(({ kind }) => kind.startsWith("opposed"));
  const byThemselves = [...evidence.filter(isFarOutside), ...opposed];
  const below = (limit: number) =>
    evidence.filter(({ pValue }) => pValue !== undefined && pValue < limit);
  const alone = below(maxPValueAlone);
  const others = alone.filter(({ kind }) => !kind.startsWith("apart"));
  const isEnough = others.length > 0 || byThemselves.length > 0;
  const more = opposed.length > 0 ? others : isEnough ? alone : below(maxPValueTogether);
  const shown = [...byThemselves, ...more];
  const plain = new Set(shown.map(({ kind }) => kind));
  // The varying part is omitted if the whole change shows the same.
  return shown
    .filter(
      ({ kind }) =>
        !kind.endsWith(varyingSuffix) || !plain.has(kind.slice(0, -varyingSuffix.length)),
    )
    .map(formatPiece)
    .join(", ");
}

function formatPiece(piece: Evidence): string {
  const [kind = "", ...more] = piece.kind.split(", ");
  const of = [phrases[kind] ?? kind, ...more].join(", ");
  return `${of}${piece.rounds === undefined ? "" : ` over ${piece.rounds} rounds`} (${formatMeasure(piece)})`;
}

function formatMeasure({ statistic, limit, pValue }: Evidence): string {
  if (limit !== undefined) return `${(statistic / limit).toPrecision(2)}× the limit`;
  return pValue === undefined ? `cosine ${statistic.toPrecision(2)}` : formatPValue(pValue);
}

export function formatPValue(p: number): string {
  return `p ${p < 1e-4 ? "< 0.0001" : p.toPrecision(2)}`;
}
