import { pluginOptions, type PluginChoice } from "@fedclair/core/internal";
import type { Run } from "../run.js";

/** A plug-in's name and options on a line: `clair (rank 4, side left)`. */
export function choiceText(choice: PluginChoice): string {
  const listed = Object.entries(pluginOptions(choice)).map(([key, value]) => {
    return `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`;
  });
  return listed.length === 0 ? choice.name : `${choice.name} (${listed.join(", ")})`;
}

/** The mods of a run, a line each, with what they told: `differential-privacy (clip 1, …): epsilon at most 3.2`. */
export function modTexts({ trial, summary }: Pick<Run, "trial" | "summary">): string[] {
  return (trial.mods ?? []).map((choice) => {
    const told = summary.details
      .filter(({ scope, mod }) => scope === "mods" && mod === choice.name)
      .map(({ metric, value }) => `${metric} at most ${Number(value.toPrecision(3))}`);
    return [choiceText(choice), ...(told.length === 0 ? [] : [told.join(", ")])].join(": ");
  });
}
