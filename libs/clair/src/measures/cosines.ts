import {
  at,
  item,
  Matrix,
  median,
  medianDeviation,
  medianInPlace,
  indices,
  pick,
} from "@fedclair/linalg";

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

/**
 * Median cosine of every client with the others, itself left out.
 * @param known those of the first clients, if they have been computed
 */
export function computeAgreement(
  cosines: Matrix,
  others: readonly number[],
  known: Float64Array = new Float64Array(),
): Float64Array {
  const agreement = new Float64Array(cosines.rows);
  agreement.set(known);
  for (let k = known.length; k < cosines.rows; k++)
    agreement[k] = medianInPlace(listCosines(cosines, k, others));
  return agreement;
}

/** The robust deviation of every client's cosines with all others. */
export function computeSpread(cosines: Matrix): Float64Array {
  const all = indices(cosines.rows);
  return Float64Array.from(all, (k) => medianDeviation(listCosines(cosines, k, all)));
}

/** The cosines of client k with the others, itself left out. */
function listCosines(cosines: Matrix, k: number, others: readonly number[]): Float64Array {
  const own = new Float64Array(others.includes(k) ? others.length - 1 : others.length);
  let count = 0;
  const column = k * cosines.rows;
  for (const j of others) if (j !== k) own[count++] = at(cosines.data, column + j);
  return own;
}

/** The clients that agree most, just over half of all. */
export interface AgreeingCore {
  /** Ascending. */
  readonly members: readonly number[];
  /** Whether every member has more in common with the others than it differs between them. */
  readonly isCertain: boolean;
  /** The median of the members' agreement. */
  readonly usual: number;
}

/**
 * Finds the clients whose median cosine with all others is largest. A median breaks down at one
 * half and is sensitive to signs, so no minority can make up such a core.
 */
export function findAgreeingCore(cosines: Matrix): AgreeingCore {
  const all = indices(cosines.rows);
  const agreement = computeAgreement(cosines, all);
  const members = all
    .toSorted((i, j) => at(agreement, j) - at(agreement, i))
    .slice(0, Math.floor(all.length / 2) + 1)
    .sort((i, j) => i - j);
  const isCertain = members.every(
    (k) => at(agreement, k) > medianDeviation(listCosines(cosines, k, all)),
  );
  return { members, isCertain, usual: median(pick(agreement, members)) };
}
