// The tables of docs/personal.md.
import { formatSigned, pairedDifference } from "@fedclair/runs";
import { markdown } from "../support/text.js";
import { federations } from "./settings.js";

/**
 * The results of one seed: mean accuracies of the benign clients.
 * @typedef {{ own: number, worst: number, common: number }} Outcome
 */

/**
 * Summarises the benign clients of a run.
 * @param {readonly { own: number, common: number }[]} clients
 * @returns {Outcome}
 */
export function summarize(clients) {
  const sorted = clients.map(({ own }) => own).sort((a, b) => a - b);
  return {
    own: mean(sorted),
    worst: mean(sorted.slice(0, Math.ceil(sorted.length / 10))),
    common: mean(clients.map(({ common }) => common)),
  };
}

function mean(values) {
  return values.reduce((sum, value) => sum + value / values.length, 0);
}

/**
 * A table by method and condition: own, worst tenth and common.
 * @param {Record<string, Record<string, readonly Outcome[]>>} outcomes by arm and condition
 */
export function accuracyTable(outcomes, choices) {
  const conditions = Object.keys(Object.values(outcomes)[0]);
  return markdown([
    ["method", "rate, options", ...conditions],
    ...Object.entries(outcomes).map(([arm, byCondition]) => [
      arm,
      choices[arm],
      ...conditions.map((condition) =>
        ["own", "worst", "common"]
          .map((key) => mean(byCondition[condition].map((one) => one[key])).toFixed(3))
          .join(" / "),
      ),
    ]),
  ]);
}

/** A table of differences to CLAIR in accuracy on own data, seed by seed. */
export function differenceTable(outcomes) {
  const conditions = Object.keys(Object.values(outcomes)[0]);
  return markdown([
    ["own accuracy minus CLAIR's", ...conditions],
    ...Object.keys(outcomes)
      .filter((arm) => arm !== "clair")
      .map((arm) => [
        arm,
        ...conditions.map((condition) => formatSigned(difference(outcomes, arm, condition))),
      ]),
  ]);
}

function difference(outcomes, arm, condition, key = "own") {
  const reference = outcomes.clair[condition];
  return pairedDifference(outcomes[arm][condition].map((one, i) => [one[key], reference[i][key]]));
}

/** The methods that the page compares with CLAIR first. */
const rivals = ["fine-tuned, robust", "ditto, robust"];

/** The accuracies that they are compared by. */
const measures = { own: "on own data", common: "on data common to all" };

/**
 * Says where the rivals are better and worse than CLAIR: intervals that exclude zero.
 * @param {Record<string, Record<string, Record<string, readonly Outcome[]>>>} results by federation
 */
export function rivalList(results) {
  const found = Object.entries(results).flatMap(([federation, outcomes]) =>
    rivals.flatMap((arm) =>
      Object.keys(outcomes[arm]).flatMap((condition) =>
        Object.keys(measures).map((key) => {
          const change = difference(outcomes, arm, condition, key);
          const { low, high } = change.interval ?? { low: -Infinity, high: Infinity };
          const text = `${arm}, ${federations[federation].what}, ${condition}: ${formatSigned(change)}`;
          return { key, text, side: low > 0 ? "better" : high < 0 ? "worse" : "open" };
        }),
      ),
    ),
  );
  const titles = { better: "Better than CLAIR", worse: "Worse than CLAIR", open: "Cannot be told" };
  return Object.entries(titles)
    .flatMap(([side, title]) =>
      Object.entries(measures).map(([key, where]) => {
        const list = found.filter((one) => one.side === side && one.key === key);
        const lines = list.length > 0 ? list.map(({ text }) => `- ${text}`) : ["- nowhere"];
        return `**${title} ${where}** (difference in accuracy with its 95 % interval):\n\n${lines.join("\n")}`;
      }),
    )
    .join("\n\n");
}
