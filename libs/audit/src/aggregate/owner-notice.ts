import { isLowRank, type Aggregation, type TensorDelta, type Update } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { frobenius, item, sum } from "@fedclair/linalg";
import { innerProduct, toFactors } from "@fedclair/rules";
import { maxLost } from "./lost-energy.js";
import { createProbe, unfold } from "./refining-notice.js";

/** Selects the updates that the shared result is made of. */
export function selectPooled(
  updates: readonly Update[],
  { verdicts = [] }: Pick<Aggregation, "verdicts">,
): Update[] {
  const left = new Set(verdicts.flatMap((one) => (one.pooled ? [] : [one.clientId])));
  return updates.filter(({ clientId }) => !left.has(clientId));
}

/**
 * Names the client whose change is nearly all of the shared result, because it is larger than all
 * others together and the aggregator bounds no client: by its scale, its numbers or the examples
 * that it claims.
 * @returns undefined if there is none
 */
export function noticeOwner(
  updates: readonly Update[],
  aggregation: Aggregation,
): string | undefined {
  const pooled = selectPooled(updates, aggregation);
  const energies = pooled.map(({ delta }) => sum([...delta.values()].map(measureEnergy)));
  const k = energies.indexOf(Math.max(...energies));
  const share = item(energies, k) / sum(energies);
  if (pooled.length < 2 || !(share > 1 - maxLost)) return undefined;
  const { clientId, delta } = item(pooled, k);
  const probe = createProbe();
  let [along, own, all] = [0, 0, 0];
  for (const [module, change] of delta) {
    const parts = aggregation.change.flatMap((term) => term.get(module) ?? []);
    const products = parts.map((part) => probe(module, part).data);
    probe(module, change).data.forEach((x, i) => {
      const result = sum(products.map((one) => item(one, i)));
      along += x * result;
      own += x ** 2;
      all += result ** 2;
    });
  }
  if (!(along ** 2 > (1 - maxLost) * own * all)) return undefined;
  // An aggregator that bounds it leaves less of it than the others have.
  if (!(all > own * (1 / share - 1))) return undefined;
  return (
    `the change for all is nearly that of ${oneLine(clientId)}, which has ${(100 * share).toPrecision(4)} % of the energy of ` +
    `${pooled.length} changes; leave it out, or choose an aggregator that bounds sizes, such as norm-clip`
  );
}

/** Computes |X|² of a module's change. */
function measureEnergy(change: TensorDelta): number {
  if (!isLowRank(change)) return frobenius(unfold(change)) ** 2;
  const factors = toFactors(change);
  return innerProduct(factors, factors);
}
