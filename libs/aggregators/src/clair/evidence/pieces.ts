import { at, item, Matrix, median, sum } from "@fedclair/linalg";
import { largeCommonPart, fitCommonScale } from "../common-part.js";
import { indices, pick } from "../lists.js";
import type { Piece } from "./fisher-statistics.js";

/** How similar the clients' updates are in one round. */
export interface Similarity {
  /**
   * Whether the changes are centred, that is, only their varying parts are compared. Standing apart
   * is then no evidence, because the common part is removed.
   */
  readonly isCentred: boolean;
  /** Cosines of whole changes, the mean over modules, K×K. */
  readonly cosines: Matrix;
  /**
   * Median cosine of each client's whole change with the others', the mean over modules. It breaks
   * down at one half and is sensitive to signs.
   */
  readonly agreement: Float64Array;
  /** ln of the norm of each client's whole change. */
  readonly size: Float64Array;
  /**
   * How much more similar each client is to its two nearest than to the others. It is large for a
   * minority that moves together.
   */
  readonly clique: Float64Array;
  /**
   * Whether each client is similar to exactly one other. The two may be states of the same client.
   */
  readonly isInPair: readonly boolean[];
}

/**
 * Two states of one client have a cosine above this value if they share half of what they learnt.
 */
const minPairCosine = 0.5;

/** Share of a change's energy that rounding may leave after the common part is subtracted. */
const rounding = 1e-15;

/**
 * Computes the similarity of the clients.
 * @param grams ⟨X_i, X_j⟩ of the clients by module, each change divided by its norm, K×K; K at
 * least 3
 * @param norms norms of the whole changes, above 0
 */
export function computeSimilarity(grams: readonly Matrix[], norms: readonly number[]): Similarity {
  const clients = item(grams, 0).rows;
  const cosines = meanCosines(grams);
  const others = indices(clients).map((k) =>
    Float64Array.from(
      indices(clients).filter((j) => j !== k),
      (j) => cosines.get(k, j),
    ).sort(),
  );
  const agreement = Float64Array.from(others, (own) => median(own));
  const clique = Float64Array.from(others, (own, k) => {
    return (at(own, own.length - 1) + at(own, own.length - 2)) / 2 - at(agreement, k);
  });
  const isInPair = others.map((own, k) => {
    const [second, nearest] = [at(own, own.length - 2), at(own, own.length - 1)];
    return nearest > minPairCosine && second - at(agreement, k) < at(clique, k) / 2;
  });
  const size = Float64Array.from(norms, (norm) => Math.log(norm));
  return { isCentred: false, cosines, agreement, size, clique, isInPair };
}

/**
 * Computes the similarity of the varying parts: the changes without the mean of some clients, which
 * is scaled in every module to the client's own scale.
 * @param centre at least two clients
 * @param grams ⟨X_i, X_j⟩ of the clients by module, each change divided by its norm
 */
export function computeVaryingSimilarity(
  centre: readonly number[],
  grams: readonly Matrix[],
  norms: readonly number[],
): Similarity {
  const centred = grams.map((gram) => {
    const along = indices(gram.rows).map((i) => {
      return sum(centre.map((j) => gram.get(i, j) * item(norms, j))) / centre.length;
    });
    const mean = sum(centre.map((i) => item(along, i) * item(norms, i))) / centre.length;
    // Scales of (X_i − s_i·M)/|X_i|.
    const times = along.map((own, i) => {
      const norm = item(norms, i);
      return fitCommonScale(gram.get(i, i) * norm ** 2, own * norm, mean) / norm;
    });
    return Matrix.fromRows(
      gram.toRows().map((row, i) =>
        row.map((inner, j) => {
          const [si, sj] = [item(times, i), item(times, j)];
          return inner - si * item(along, j) - sj * item(along, i) + si * sj * mean;
        }),
      ),
    );
  });
  const inside = new Set(centre);
  const left = norms.map((norm, k) => {
    const square = sum(centred.map((gram) => Math.max(0, gram.get(k, k))));
    // Relative to the mean of the other clients, as for clients outside the centre.
    const own = inside.has(k) ? centre.length / (centre.length - 1) : 1;
    return own * norm * Math.sqrt(Math.max(square, rounding));
  });
  return { ...computeSimilarity(centred, left), isCentred: true };
}

/**
 * The cosines of clients' changes, the mean over modules, K×K. A module that a client did not
 * change has cosine 0.
 * @param grams ⟨X_i, X_j⟩ by module, at least one
 */
export function meanCosines(grams: readonly Matrix[]): Matrix {
  const clients = item(grams, 0).rows;
  const cosines = new Matrix(clients, clients);
  for (const gram of grams) {
    const scale = indices(clients).map(
      (k) => 1 / (Math.sqrt(Math.max(gram.get(k, k), 0)) || Infinity),
    );
    for (let j = 0; j < clients; j++) {
      for (let i = 0; i < clients; i++) {
        const cosine = gram.get(i, j) * item(scale, i) * item(scale, j);
        cosines.data[i + j * clients] = at(cosines.data, i + j * clients) + cosine / grams.length;
      }
    }
  }
  return cosines;
}

/** The clients that agree most, just over half of all, ascending. */
export function findAgreeingCore({ agreement }: Pick<Similarity, "agreement">): number[] {
  const order = indices(agreement.length).sort((i, j) => at(agreement, j) - at(agreement, i));
  return order.slice(0, Math.floor(agreement.length / 2) + 1).sort((i, j) => i - j);
}

/**
 * Whether the core's changes have a large part in common. The varying parts are then judged as
 * well.
 */
export function hasCommonPart(similarity: Similarity, core: readonly number[]): boolean {
  return measureAgreement(similarity, core).usual >= largeCommonPart;
}

/** Indices of the pieces that `computePieces` returns. */
export const [apartPiece, sizePiece, cliquePiece] = [0, 1, 2];
export const pieceCount = 3;

/** Whether the core certainly agrees: its mean cosine is three deviations above 0. */
export function isAgreementCertain(similarity: Similarity, core: readonly number[]): boolean {
  const { usual, deviation } = measureAgreement(similarity, core);
  return usual > 3 * deviation;
}

/**
 * Whether each client's change is opposed to the others': its cosine is below minus half of the
 * usual one, in a core that certainly agrees.
 */
export function findOpposed(similarity: Similarity, core: readonly number[]): boolean[] {
  const { usual } = measureAgreement(similarity, core);
  const isSure = !similarity.isCentred && isAgreementCertain(similarity, core);
  return Array.from(similarity.agreement, (cosine) => isSure && cosine < -usual / 2);
}

function measureAgreement({ agreement }: Similarity, core: readonly number[]) {
  const own = pick([...agreement], core);
  return { usual: sum(own) / own.length, deviation: computeDeviation(own) };
}

/**
 * Computes one-sided pieces of evidence: standing apart, size, and clique. Standing apart combines
 * low agreement with little energy inside the direction that the agreeing core shares; both measure
 * the same, so they count once. The direction has no sign and is ignored for opposed changes.
 * @param inside share of each client's energy in that direction, fitted without it, 0 … 1
 */
export function computePieces(
  similarity: Similarity,
  inside: readonly number[],
  core: readonly number[],
): Piece[] {
  const { agreement, clique } = similarity;
  const size = toSizePiece(similarity);
  const explained = computeExplainedSizes(similarity, core);
  const isOpposed = findOpposed(similarity, core);
  const lowAgreement = standardise(
    agreement.map((x) => -x),
    core,
  );
  const outside = standardise(
    Float64Array.from(inside, (x) => -Math.log(Math.max(x, 1e-9))),
    core,
  );
  const apartValues = lowAgreement.map((x, k) => {
    if (similarity.isCentred) return 0;
    return item(isOpposed, k) ? x : (x + at(outside, k)) / 2;
  });
  return [
    { values: apartValues, floor: 0.5 },
    { ...size, values: size.values.map((x, k) => x - at(explained, k)) },
    { values: clique, floor: 0.03 },
  ];
}

/** The size of whole changes as a piece of evidence. */
export function toSizePiece({ size }: Pick<Similarity, "size">): Piece {
  return { values: size, floor: 0.05 };
}

/** ln 2: the own part of a change with half the usual cosine may make it twice as long. */
const maxExplained = Math.LN2;

/**
 * Computes how much of ln of each norm is explained by lower agreement. With a large common part, a
 * larger part of its own makes a client's change longer and lowers its cosine, and counting both
 * would count the same thing twice.
 */
function computeExplainedSizes(similarity: Similarity, core: readonly number[]): Float64Array {
  const { usual } = measureAgreement(similarity, core);
  if (similarity.isCentred || usual < largeCommonPart) return similarity.size.map(() => 0);
  return similarity.agreement.map((cosine) => {
    const share = cosine / usual;
    return share >= 1 ? 0 : Math.min(-Math.log(Math.max(share, 1e-9)), maxExplained);
  });
}

/**
 * Converts values to deviations of the core from its mean; a deviation below 0.02 counts as 0.02.
 */
function standardise(values: Float64Array, core: readonly number[]): Float64Array {
  const own = pick([...values], core);
  const centre = sum(own) / own.length;
  const deviation = Math.max(computeDeviation(own), 0.02);
  return values.map((x) => (x - centre) / deviation);
}

/**
 * The sample standard deviation.
 * @param values at least two
 */
function computeDeviation(values: readonly number[]): number {
  const centre = sum(values) / values.length;
  const square = values.reduce((total, x) => total + (x - centre) ** 2, 0);
  return Math.sqrt(square / (values.length - 1));
}
