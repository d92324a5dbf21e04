// @ts-check
import { binaryVerdict, definePlugin, scaleDelta, toFloat64 } from "@fedclair/core";
import { z } from "zod";

/** Averages the clients near the median of all clients and flags the others as contaminated. */
export const nearMedian = definePlugin({
  kind: "aggregator",
  name: "near-median",
  summary: "The mean of the clients near the coordinate-wise median.",
  schema: z.strictObject({
    factor: z
      .number()
      .min(1)
      .default(3)
      .describe("Clients farther away than this multiple of the median distance are flagged."),
  }),

  create: ({ factor }) => ({
    aggregate: ({ updates }) => {
      const points = updates.map(({ delta }) =>
        [...delta.values()].flatMap((m) => [...toFloat64(m)]),
      );
      const centre = (points[0] ?? []).map((_, j) => median(points.map((point) => point[j])));
      const distances = points.map((point) => Math.hypot(...point.map((x, j) => x - centre[j])));
      const threshold = factor * median(distances);
      const near = updates.filter((_, k) => distances[k] <= threshold);
      return Promise.resolve({
        // The change is a list of terms to add, so low-rank pairs stay pairs.
        change: near.map(({ delta }) => scaleDelta(delta, 1 / near.length)),
        verdicts: updates.map(({ clientId }, k) =>
          binaryVerdict(clientId, distances[k] > threshold, distances[k], threshold),
        ),
      });
    },
  }),
});

export default nearMedian;

/** @param {readonly number[]} values */
function median(values) {
  const sorted = values.toSorted((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
