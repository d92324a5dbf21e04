import type { Metrics } from "@fedclair/core";

/**
 * Returns what guessing reaches on examples with these labels: the accuracy of always predicting
 * the most frequent class, and the loss of predicting the classes' shares, in nats.
 */
export function guessClasses(labels: Int32Array, classes: number): Metrics {
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  const shares = counts.filter((count) => count > 0).map((count) => count / labels.length);
  return {
    accuracy: Math.max(...shares),
    loss: shares.reduce((sum, share) => sum - share * Math.log(share), 0),
  };
}
