import { median, medianDeviation, quantile } from "@fedclair/linalg";
import type { AdapterFinding } from "../audit-schema.js";

/**
 * Factor for longer tails. The largest of N log-normal ratios is √(2·ln N) deviations from the
 * median, but ratios of benign adapters have longer tails.
 */
const tail = 2.4;

/** Real benign adapters seldom have a larger ratio that is also beyond the limit in deviations. */
const leastRatio = 5;

/** Lower bound for the deviation of ln ratio within an adapter. */
const leastDeviation = 0.15;

/** Fewer modules are too few for a quartile, and fewer adapters too few for a deviation. */
const [leastModules, leastAdapters] = [4, 5];

/**
 * Finds adapters that are benign over all modules together, but in a few modules lie farther
 * outside the shared space than chance explains. A change of only these modules may be hidden
 * there. The lower quartile of an adapter's ratios shows how far outside its other modules lie.
 * @returns these modules by adapter, the farthest first
 */
export function findUnevenModules(
  findings: readonly AdapterFinding[],
): Map<string, AdapterFinding["modules"]> {
  const benign = findings
    .filter(({ status, modules }) => status === "benign" && modules.length >= leastModules)
    .map(({ name, modules }) => {
      return { name, modules, logs: modules.map(({ ratio }) => Math.log(ratio)) };
    });
  if (benign.length < leastAdapters) return new Map();
  const ratios = benign.reduce((total, { logs }) => total + logs.length, 0);
  const usual = Math.max(leastDeviation, median(benign.map(({ logs }) => medianDeviation(logs))));
  const farthest = tail * Math.sqrt(2 * Math.log(ratios)) * usual;
  return new Map(
    benign.flatMap(({ name, modules, logs }) => {
      const limit = Math.max(leastRatio, Math.exp(quantile(logs, 0.25) + farthest));
      const far = modules.filter(({ ratio }) => ratio > limit);
      return far.length === 0 ? [] : [[name, far] as const];
    }),
  );
}
