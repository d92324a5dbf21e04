import { median, medianDeviation, quantile } from "@fedclair/linalg";
import type { Finding } from "./findings.js";

/** The largest of N ratios is √(2·ln N) deviations out if they are log-normal; those of honest adapters have longer tails. */
const tail = 2.4;

/** Of real honest adapters the largest ratio is 6, and beyond 5 none lies that many deviations out. */
const leastRatio = 5;

/** The least deviation of ln ratio that an adapter's modules differ by. */
const leastDeviation = 0.15;

/** Of fewer modules a quarter is hardly one, and of fewer adapters a deviation. */
const [leastModules, leastAdapters] = [4, 5];

/**
 * Adapters that are benign by all modules together, and lie in some of them farther outside the shared space than chance makes one of
 * the pile: what was changed in these modules alone may hide there. How far an adapter lies outside otherwise, a quarter of its ratios tells.
 * @returns by name: those modules, the farthest first
 */
export function unevenModules(findings: readonly Finding[]): Map<string, Finding["modules"]> {
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
