// @ts-check
import { definePlugin, toFloat64 } from "@fedclair/core";
import { z } from "zod";

/**
 * The coordinate-wise median of the means of groups of clients (Nemirovsky & Yudin 1983; Lecué &
 * Lerasle 2020).
 */
export const medianOfMeans = definePlugin({
  kind: "aggregator",
  name: "median-of-means",
  summary: "The coordinate-wise median of the means of groups of clients.",
  schema: z.strictObject({
    groups: z
      .int()
      .min(1)
      .default(5)
      .describe("Number of groups; odd, and more than twice the number of contaminated clients."),
  }),

  create: ({ groups }) => ({
    aggregate: ({ updates }) => {
      // Sorted by name, because the result must not depend on the order of arrival.
      const ordered = updates.toSorted((x, y) => (x.clientId < y.clientId ? -1 : 1));
      const parts = Array.from({ length: Math.min(groups, ordered.length) }, (_, g) =>
        ordered.filter((_, k) => k % groups === g),
      );
      const change = [...ordered[0].delta].map(([name, module]) => {
        const means = parts.map((part) =>
          mean(part.map(({ delta }) => toFloat64(delta.get(name) ?? module))),
        );
        const data = means[0].map((_, j) => median(means.map((values) => values[j])));
        return /** @type {const} */ ([name, { shape: shapeOf(module), data }]);
      });
      return Promise.resolve({ change: [new Map(change)] });
    },
  }),
});

export default medianOfMeans;

/** @param {readonly Float64Array[]} points */
function mean(points) {
  return points[0].map((_, j) => points.reduce((sum, x) => sum + x[j], 0) / points.length);
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = values.toSorted((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * Returns the shape of a change; for a pair b·a, the shape of the product.
 * @param {import("@fedclair/core").TensorDelta} module
 */
function shapeOf(module) {
  return "b" in module ? [module.b.shape[0], module.a.shape[1]] : module.shape;
}
