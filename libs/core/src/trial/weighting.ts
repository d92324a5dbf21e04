import type { PluginChoice } from "../contracts/plugin-choice.js";
import type { Trial } from "./trial.js";

/**
 * Sets the option `weighting` of every rule that has it, except where the file sets it. Rules
 * without the option weigh clients as they are defined.
 * @param trial with the defaults of all options
 * @param content the content of the trial file
 */
export function setWeighting(
  trial: Trial,
  content: unknown,
  weighting: "samples" | "uniform",
): Trial {
  const { aggregator, baselines = [] } = content as {
    readonly aggregator: object;
    readonly baselines?: readonly { readonly aggregator: object }[];
  };
  const set = (rule: PluginChoice, inFile: object = {}): PluginChoice =>
    "weighting" in rule && !("weighting" in inFile) ? { ...rule, weighting } : rule;
  return {
    ...trial,
    aggregator: set(trial.aggregator, aggregator),
    baselines: trial.baselines.map((arm, i) => {
      return { ...arm, aggregator: set(arm.aggregator, baselines[i]?.aggregator) };
    }),
  };
}
