import { yieldToEventLoop, type Evidence, type VerdictStatus } from "@fedclair/core";
import { addScaled, indices, item, Matrix, median, multiply } from "@fedclair/linalg";
import { createPointsFromGram, geometricMedianWeights } from "@fedclair/rules";
import type { Decomposition } from "../space/detect.js";

/** The verdict of either judge about one client. */
export interface ClientVerdict {
  readonly status: Extract<VerdictStatus, "benign" | "contaminated" | "undecided">;
  /** Is the client averaged and refined with the others? */
  readonly isPooled: boolean;
  /** Does it share one vote with all other clients that do? */
  readonly sharesVote?: boolean;
  readonly score: number;
  /** A client with a higher score is flagged; Infinity if none can be. */
  readonly threshold: number;
  readonly reason?: string;
  /** The pieces behind the score, the strongest first; empty if the score is a single measure. */
  readonly evidence: readonly Evidence[];
}

/**
 * Rule `gap`: the plain decomposition. The score of a client is the tangent of its angle to the
 * shared space. Without a threshold, clients are undecided.
 */
export function judgeByGap(detection: Decomposition): ClientVerdict[] {
  const { inside: benign, scores, threshold, undecided } = detection;
  const inside = new Set(benign);
  return scores.map((score, k) => ({
    status: inside.has(k) ? (undecided === undefined ? "benign" : "undecided") : "contaminated",
    isPooled: inside.has(k),
    score,
    threshold,
    ...(inside.has(k) && undecided !== undefined && { reason: undecided }),
    evidence: [],
  }));
}

/** A test of clients inside the shared space. */
type Screen = "norm" | "direction";

/** Norms beyond this multiple of the median fail the norm screen. */
const maxNormRatio = 5;

/** A client that fails a screen, with the reason. */
type Failure = readonly [client: number, reason: string];

/**
 * Finds clients that the shared space cannot show: they are inside it, but far longer than others
 * or pointing away from them. This is only meaningful if benign clients have much in common inside
 * the space too, as with one global model.
 * @param grams ⟨PX_i, PX_j⟩ of the clients, K×K, by module
 */
export async function findFailures(
  grams: readonly Matrix[],
  screens: readonly Screen[],
): Promise<readonly Failure[]> {
  const gram = item(grams, 0).copy();
  for (const one of grams.slice(1)) {
    addScaled(gram, 1, one);
    await yieldToEventLoop();
  }
  return [
    ...(screens.includes("norm") ? screenNorms(gram) : []),
    ...(screens.includes("direction") ? await screenDirections(gram) : []),
  ];
}

function screenNorms(gram: Matrix): Failure[] {
  const norms = indices(gram.rows).map((k) => Math.sqrt(gram.get(k, k)));
  const middle = median(norms);
  return norms.flatMap((norm, k): Failure[] =>
    norm > maxNormRatio * middle
      ? [[k, `norm inside the space ${(norm / middle).toPrecision(3)} × the median`]]
      : [],
  );
}

/** Compares with the geometric median, because attackers could turn the mean their way. */
async function screenDirections(gram: Matrix): Promise<Failure[]> {
  const count = gram.rows;
  const equal = new Float64Array(count).fill(1 / count);
  const weights = await geometricMedianWeights(createPointsFromGram(gram), equal);
  const products = multiply(gram, new Matrix(count, 1, weights)).data;
  const size = Math.sqrt(products.reduce((total, x, k) => total + x * item(weights, k), 0));
  return Array.from(products).flatMap((product, k): Failure[] => {
    const cosine = product / (size * Math.sqrt(gram.get(k, k)));
    return cosine < 0 ? [[k, `cosine inside the space ${cosine.toFixed(2)}`]] : [];
  });
}
