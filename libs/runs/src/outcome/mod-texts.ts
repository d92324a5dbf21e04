import { pluginOptions, type PluginChoice } from "@fedclair/core/internal";
import type { Run } from "../run/read-run.js";

/** Formats a plug-in's name and options on one line: `clair (rank 4, side left)`. */
export function choiceText(choice: PluginChoice): string {
  const listed = Object.entries(pluginOptions(choice)).map(([key, value]) => {
    return `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`;
  });
  return listed.length === 0 ? choice.name : `${choice.name} (${listed.join(", ")})`;
}

/**
 * Formats each mod of a run on one line, with the metrics that it reported: `differential-privacy
 * (clip 1, …): epsilon at most 3.2`.
 */
export function modTexts({ trial, summary }: Pick<Run, "trial" | "summary">): string[] {
  return (trial.mods ?? []).map((choice) => {
    const metrics = summary.details
      .filter(({ scope, mod }) => scope === "mods" && mod === choice.name)
      .map(({ metric, value }) => `${metric} at most ${Number(value.toPrecision(3))}`);
    return [choiceText(choice), ...(metrics.length === 0 ? [] : [metrics.join(", ")])].join(": ");
  });
}
