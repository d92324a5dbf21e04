import { at, item, Matrix, median, sum } from "@fedclair/linalg";
import { largeCommonPart, fitCommonScale } from "../common-part.js";
import { indices, pick } from "../lists.js";
import type { Piece } from "./fisher-statistics.js";

/** What the updates of a round say of every client by themselves. */
export interface Similarity {
  /** Is it that of what varies? Then standing apart tells nothing, as what clients have in common is taken out. */
  readonly isCentred: boolean;
  /** K×K: of two whole changes, the mean over modules. */
  readonly cosines: Matrix;
  /** Median cosine of its whole change with the others', the mean over modules; breaks down at one half, and sees signs. */
  readonly agreement: Float64Array;
  /** ln of the norm of its whole change. */
  readonly size: Float64Array;
  /** How much more it is like its two nearest than like the others: a minority that moves together. */
  readonly clique: Float64Array;
  /** Is it like one other alone? Then the two may be one client's. By client. */
  readonly isInPair: readonly boolean[];
}

/** Two states of one client have a cosine above it, if they share half of what they learnt. */
const minPairCosine = 0.5;

/** Of a change's energy, what rounding may leave when the common part is taken out. */
const rounding = 1e-15;

/**
 * @param grams ⟨X_i, X_j⟩ of the clients, K×K, by module, each change over its norm; K at least 3
 * @param norms of the whole changes, above 0
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
  const inPair = others.map((own, k) => {
    const [second, nearest] = [at(own, own.length - 2), at(own, own.length - 1)];
    return nearest > minPairCosine && second - at(agreement, k) < at(clique, k) / 2;
  });
  const size = Float64Array.from(norms, (norm) => Math.log(norm));
  return { isCentred: false, cosines, agreement, size, clique, isInPair: inPair };
}

/**
 * The same of what varies: of the changes less the mean of some clients, at least two, in every module as often as a client has it.
 * @param grams of changes each over its norm, as above
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
    // Of (X_i − s_i·M)/|X_i|.
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
    // From the mean of the others, as that of whoever is not in the centre.
    const own = inside.has(k) ? centre.length / (centre.length - 1) : 1;
    return own * norm * Math.sqrt(Math.max(square, rounding));
  });
  return { ...computeSimilarity(centred, left), isCentred: true };
}

/**
 * K×K: the mean over modules of the cosines of clients' changes. A module that a client did not change agrees with nothing.
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

/** Just over half of the clients, those that agree most; ascending. */
export function findAgreeingCore({ agreement }: Pick<Similarity, "agreement">): number[] {
  const order = indices(agreement.length).sort((i, j) => at(agreement, j) - at(agreement, i));
  return order.slice(0, Math.floor(agreement.length / 2) + 1).sort((i, j) => i - j);
}

/** Do the core's changes have a large part in common? Then what varies between clients is looked at as well. */
export function hasCommonPart(similarity: Similarity, core: readonly number[]): boolean {
  return measureAgreement(similarity, core).usual >= largeCommonPart;
}

/** The order of the pieces of `piecesOf`. */
export const [apartPiece, sizePiece, cliquePiece] = [0, 1, 2];
export const pieceCount = 3;

/** Does the core agree for certain, its mean cosine three deviations above 0? */
export function isAgreementCertain(similarity: Similarity, core: readonly number[]): boolean {
  const { usual, deviation } = measureAgreement(similarity, core);
  return usual > 3 * deviation;
}

/** Whose changes are opposed to the others': a cosine below minus half of what is usual in a core that agrees for certain, by client. */
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
 * One-sided pieces of evidence: standing apart (low agreement, and little inside the direction that the agreeing core shares:
 * two views of one thing, so they count once), size, and clique. Of a change that is opposed to the others' the direction, which
 * has no sign, says nothing.
 * @param inside by client: the share of its energy in that direction, fitted without it, 0 … 1
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

/** Of whole changes. */
export function toSizePiece({ size }: Pick<Similarity, "size">): Piece {
  return { values: size, floor: 0.05 };
}

/** ln 2: a change with half the usual cosine may be twice as long by what it has of its own. */
const maxExplained = Math.LN2;

/**
 * Beside a large part in common, who has more of its own is larger and agrees less: its cosine falls as its norm grows, and the two
 * would count one thing twice. How much of ln of the norm lower agreement explains, by client.
 */
function computeExplainedSizes(similarity: Similarity, core: readonly number[]): Float64Array {
  const { usual } = measureAgreement(similarity, core);
  if (similarity.isCentred || usual < largeCommonPart) return similarity.size.map(() => 0);
  return similarity.agreement.map((cosine) => {
    const share = cosine / usual;
    return share >= 1 ? 0 : Math.min(-Math.log(Math.max(share, 1e-9)), maxExplained);
  });
}

/** In deviations of the core from its mean; a deviation below 0.02 counts as that. */
function standardise(values: Float64Array, core: readonly number[]): Float64Array {
  const own = pick([...values], core);
  const centre = sum(own) / own.length;
  const deviation = Math.max(computeDeviation(own), 0.02);
  return values.map((x) => (x - centre) / deviation);
}

/** @param values at least two */
function computeDeviation(values: readonly number[]): number {
  const centre = sum(values) / values.length;
  const square = values.reduce((total, x) => total + (x - centre) ** 2, 0);
  return Math.sqrt(square / (values.length - 1));
}
