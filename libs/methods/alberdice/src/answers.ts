import { median, norm, item } from "@fedclair/linalg";

/** A client's answer in a round: one agent's best response on its own data. */
export interface AgentAnswer {
  /** States × actions, row-major; zeros in states that the client never visited. */
  readonly logits: ArrayLike<number>;
  /** The share of the client's transitions by state. */
  readonly visits: ArrayLike<number>;
}

/**
 * Computes diag(√d)·Z as one vector of states × actions, on which clients are compared. It uses
 * total logits, which keep a common direction. Increments are mostly noise after the first rounds.
 */
export function weightLogits({ logits, visits }: AgentAnswer): Float64Array {
  const actions = logits.length / visits.length;
  return Float64Array.from(
    logits,
    (logit, k) => Math.sqrt(item(visits, Math.floor(k / actions))) * logit,
  );
}

/**
 * Computes the median cosine between each client's vector and those of the others. A vector that
 * points against the others lies in the space that they share, so a test for that space cannot
 * detect it; a score of at most 0 does. A zero vector scores 0, a single vector 1.
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

/** How the coordinator combines several tables into one. */
type Pooling = "mean" | "median";

/**
 * Computes the new logit table row by row from the clients that visited the row's state. A row
 * without visits keeps its values.
 * @param before states × actions, row-major
 */
export function poolAnswers(
  answers: readonly AgentAnswer[],
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
