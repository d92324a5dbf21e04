import { squaredDistances } from "../robust/gram.js";
import { nearestNeighbourMixing } from "../robust/mixing.js";
import type { Mixture } from "../robust/mixture.js";

/** Replaces every point by the mean of its K - f nearest ones; see `nearestNeighbourMixing`. */
export async function mixNearest(mixture: Mixture, f: number): Promise<Mixture> {
  return mixture.mix(nearestNeighbourMixing(squaredDistances(await mixture.gram()), f));
}
