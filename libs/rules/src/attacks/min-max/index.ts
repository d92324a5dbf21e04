import type { Attack, Plugin } from "@fedclair/core";
import { norm, at } from "@fedclair/linalg";
import { z } from "zod";
import { forgeFromHonest } from "../from-honest.js";
import { coordinateDeviations, coordinateMeans } from "../statistics.js";

/** The vector that min-max sends, and its distance γ from the mean. */
export interface MinMax {
  readonly vector: Float64Array;
  readonly gamma: number;
}

/**
 * Computes μ - γ·u with u = σ/|σ| and the largest γ that keeps the distance to every benign vector
 * within the largest distance D between two of them. |μ - γu - X_i|² = |μ - X_i|² - 2γ⟨u, μ - X_i⟩
 * + γ² ≤ D² is a quadratic in γ for each i, so the paper's bisection has a closed form.
 * @param benign at least one vector; γ = 0 if all are equal
 */
export function minMax(benign: readonly Float64Array[]): MinMax {
  const means = coordinateMeans(benign);
  const sd = coordinateDeviations(benign, means);
  const length = norm(sd);
  if (length === 0) return { vector: means, gamma: 0 };
  const direction = sd.map((x) => x / length);
  const maxSquared = largestDistance(benign) ** 2;
  const bounds = benign.map((v) => {
    let along = 0;
    let squared = 0;
    means.forEach((mean, i) => {
      const difference = mean - at(v, i);
      along += at(direction, i) * difference;
      squared += difference ** 2;
    });
    // The mean is within D of every vector, but rounding may produce a negative number.
    return along + Math.sqrt(along ** 2 + Math.max(0, maxSquared - squared));
  });
  const gamma = Math.min(...bounds);
  return { vector: means.map((mean, i) => mean - gamma * at(direction, i)), gamma };
}

function largestDistance(vectors: readonly Float64Array[]): number {
  let largest = 0;
  vectors.forEach((v, i) => {
    for (const w of vectors.slice(0, i)) {
      let squared = 0;
      for (let c = 0; c < v.length; c++) squared += (at(v, c) - at(w, c)) ** 2;
      largest = Math.max(largest, squared);
    }
  });
  return Math.sqrt(largest);
}

/**
 * Min-max (Shejwalkar and Houmansadr, NDSS 2021) along the inverse standard deviation: all
 * attackers send one vector, as far from the honest mean as is possible without exceeding the
 * distances between honest updates. Omniscient.
 */
export const minMaxAttack: Plugin<Attack> = {
  name: "min-max",
  summary: "Colluding: as far from the honest mean as honest updates are from one another.",
  schema: z.strictObject({}),
  create: (): Attack => ({
    attackRound: (round) => ({
      updates: forgeFromHonest(round, (benign) => minMax(benign).vector),
    }),
  }),
};
