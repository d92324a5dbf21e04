import { at, item, Matrix, median, quantile } from "@fedclair/linalg";
import { indices } from "../lists.js";

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

/** The clients that agree most, just over half of all. */
export interface AgreeingCore {
  /** Ascending. */
  readonly members: readonly number[];
  /** Whether even the member that agrees least agrees half as much as the usual one. */
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
  const agreement = all.map((k) =>
    median(all.filter((j) => j !== k).map((j) => cosines.get(k, j))),
  );
  const members = all
    .toSorted((i, j) => item(agreement, j) - item(agreement, i))
    .slice(0, Math.floor(all.length / 2) + 1)
    .sort((i, j) => i - j);
  const own = members.map((k) => item(agreement, k));
  const usual = median(own);
  return { members, isCertain: quantile(own, 0) > usual / 2, usual };
}
