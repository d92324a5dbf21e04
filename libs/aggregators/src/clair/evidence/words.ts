import type { Evidence } from "@fedclair/core";

const words: Readonly<Record<string, string>> = {
  outside: "outside the shared space",
  apart: "apart from the others",
  size: "large",
  clique: "in a clique",
  copy: "a copy of another",
  flat: "as flat as noise",
};

/** A p-value below it tells against a client by itself; two below the other one may together. */
const [telling, together] = [0.05, 0.2];

/** Does the client lie so far outside the shared space that this alone convicts? */
export function isFarOutside({ limit = Infinity, statistic }: Evidence): boolean {
  return statistic > limit;
}

/** What tells against a client, for people: each piece with its p-value; empty if nothing does. */
export function evidenceAgainst(evidence: readonly Evidence[]): string {
  const outside = evidence.filter(isFarOutside);
  const below = (limit: number) =>
    evidence.filter(({ pValue }) => pValue !== undefined && pValue < limit);
  const alone = below(telling);
  const isApartOnly = alone.every(({ kind }) => kind.startsWith("apart"));
  const isEnough = !isApartOnly || outside.length > 0;
  return [...outside, ...(isEnough ? alone : below(together))].map(textOf).join(", ");
}

function textOf({ kind, statistic, limit, pValue = 1, rounds }: Evidence): string {
  const [piece = "", ...more] = kind.split(", ");
  const of = [words[piece] ?? piece, ...more].join(", ");
  const how =
    limit === undefined ? chanceText(pValue) : `${(statistic / limit).toPrecision(2)}× the limit`;
  return `${of}${rounds === undefined ? "" : ` over ${rounds} rounds`} (${how})`;
}

export function chanceText(p: number): string {
  return `p ${p < 1e-4 ? "< 0.0001" : p.toPrecision(2)}`;
}
