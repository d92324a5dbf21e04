import { median, norm, item } from "@fedclair/linalg";

/** A client's answer in a round: one agent's best response on its own data. */
export interface Answer {
  /** States × actions, row-major; zeros in states that the client never visited. */
  readonly logits: ArrayLike<number>;
  /** By state: the share of the client's transitions. */
  readonly visits: ArrayLike<number>;
}

/**
 * diag(√d)·Z as one vector, states × actions: what clients are compared by. Totals, not increments: those are mostly
 * noise after the first rounds, while totals keep a common direction.
 */
export function weighted({ logits, visits }: Answer): Float64Array {
  const actions = logits.length / visits.length;
  return Float64Array.from(
    logits,
    (logit, k) => Math.sqrt(item(visits, Math.floor(k / actions))) * logit,
  );
}

/**
 * By client: the median cosine between its vector and those of the others. A vector that points against the others' is in
 * the space that they share, so a test for that space cannot see it; a score of at most 0 shows it. A zero vector scores
 * 0, a single one 1.
 */
export function directionScores(vectors: readonly Float64Array[]): number[] {
  if (vectors.length < 2) return vectors.map(() => 1);
  const units = vectors.map((vector) => {
    const length = norm(vector);
    return length > 0 ? vector.map((x) => x / length) : vector;
  });
  return units.map((own, k) =>
    median(units.filter((_, j) => j !== k).map((other) => product(own, other))),
  );
}

/** How the coordinator makes one table of several. */
export type Pooling = "mean" | "median";

/**
 * The new logit table, row by row, from the clients that visited that state; a row that nobody visited stays.
 * @param before states × actions, row-major
 */
export function poolAnswers(
  answers: readonly Answer[],
  before: ArrayLike<number>,
  pooling: Pooling,
): Float64Array {
  const states = answers[0]?.visits.length ?? 0;
  const actions = before.length / states;
  return Float64Array.from(before, (old, k) => {
    const row = Math.floor(k / actions);
    const entries = answers
      .filter(({ visits }) => item(visits, row) > 0)
      .map(({ logits }) => item(logits, k));
    if (entries.length === 0) return old;
    return pooling === "median"
      ? median(entries)
      : entries.reduce((total, entry) => total + entry, 0) / entries.length;
  });
}

function product(a: Float64Array, b: Float64Array): number {
  return a.reduce((total, x, i) => total + x * item(b, i), 0);
}
