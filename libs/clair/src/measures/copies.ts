import { at, indices, item, median, pickNumbers, type Matrix } from "@fedclair/linalg";
import { computeAgreement, rounding, wholeCosines, type ClientMeasures } from "./measures.js";

/**
 * Changes are copies if their distance, 1 − cosine, is below this share of the usual one. The limit
 * is relative, so a large part that all clients have in common does not make them copies.
 */
const nearShare = 0.1;

/**
 * Groups clients whose changes are copies of one another, whatever their scale: by the mean cosine
 * over modules, or by that of whole changes, so that nobody leaves a group by altering a module
 * that hardly counts. Whose copy it is cannot be known. So a group has one vote on what is usual,
 * and its members do not count as near to each other, but each is judged by its own measures.
 * @param cosines means over modules, K×K
 * @param grams ⟨X_i, X_j⟩ by module
 * @param sample the clients that all are compared with; by default all. Others are compared if they
 *   are near.
 * @returns the number of each client's group
 */
export function groupCopies(
  cosines: Matrix,
  grams: readonly Matrix[],
  sample?: readonly number[],
): number[] {
  const clients = indices(cosines.rows);
  const groups = [...clients];
  if (clients.length < 3) return groups;
  const whole = wholeCosines(grams);
  // The least distance within which a client has half of all others. No minority makes it larger
  // than honest clients are apart, or smaller.
  const radii = clients.map((i) => {
    const others = (sample ?? clients).filter((j) => j !== i);
    const distances = Float64Array.from(others, (j) => 1 - cosines.get(j, i)).sort();
    return at(distances, Math.floor(distances.length / 2));
  });
  const near = nearShare * Math.min(...radii);
  if (near < rounding) return groups; // where most clients send one change, nobody copies
  // Neither holds for clients that were not compared.
  const areNear = (i: number, j: number) =>
    1 - whole.get(i, j) < near || 1 - cosines.get(i, j) < near;
  const members = groupMutually(clients, (i, j) => areNear(i, j) || areNear(j, i));
  if (members.length < 2) return groups; // nobody would be left to compare with
  for (const group of members) for (const k of group) groups[k] = item(group, 0);
  return groups;
}

/**
 * Groups clients that move together with few others, so that each group has one vote. Two of them
 * are near if either is nearer to the other than halfway between the usual client and its third
 * nearest. So who resembles several clients that are unlike each other, such as a mean of them,
 * shares the vote of one of them at most.
 * @param some the clients that move together with few others
 * @returns the number of each client's group; that of its copies for all others
 */
export function groupCliques(
  measures: Pick<ClientMeasures, "cosines" | "sample" | "size" | "groups">,
  some: readonly number[],
): number[] {
  const { cosines, groups, size } = measures;
  const voters = listVoters(groups, size);
  const usual = computeAgreement(measures, voters);
  const limits = new Map(
    some.map((k) => {
      const others = voters.filter((j) => groups[j] !== groups[k]);
      const own = pickNumbers(cosines.column(k), others).filter((x) => !Number.isNaN(x));
      return [k, (at(usual, k) + (own.sort().at(-3) ?? -1)) / 2];
    }),
  );
  // Clients that were not compared are taken for near.
  const isFar = (i: number, j: number) => cosines.get(j, i) < (limits.get(i) ?? NaN);
  const cliques = [...groups];
  for (const clique of groupMutually(some, (i, j) => !(isFar(i, j) && isFar(j, i)))) {
    for (const k of clique) cliques[k] = item(groups, item(clique, 0));
  }
  return cliques;
}

/** A member is near all others, so that nobody joins groups by being near to both. */
function groupMutually(
  clients: readonly number[],
  areNear: (i: number, j: number) => boolean,
): number[][] {
  const members: number[][] = [];
  for (const i of clients) {
    const own = members.find((group) => group.every((j) => areNear(i, j)));
    if (own === undefined) members.push([i]);
    else own.push(i);
  }
  return members;
}

/**
 * Picks the client of each group that votes: the one whose size is the most usual, because only the
 * scale of copies differs much.
 * @param size ln of the norms
 * @returns ascending
 */
export function listVoters(groups: readonly number[], size: Float64Array): number[] {
  const middle = median(size);
  const oddness = (k: number) => Math.abs(at(size, k) - middle);
  const voters = new Map<number, number>();
  groups.forEach((group, k) => {
    const best = voters.get(group);
    if (best === undefined || oddness(k) < oddness(best)) voters.set(group, k);
  });
  return [...voters.values()].sort((i, j) => i - j);
}
