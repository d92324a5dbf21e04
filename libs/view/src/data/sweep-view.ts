import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { printable } from "@fedclair/core/internal";
import {
  computeResults,
  readStoredSweep,
  readSummary,
  sweepText,
  type StoredSweep,
  type Summary,
} from "@fedclair/runs";
import type { SweepView } from "./protocol.js";
import { hasReport } from "./report-file.js";

/** Reads the results so far of a sweep or study. Returns undefined if the folder holds none. */
export function readSweepView(folder: string): SweepView | undefined {
  const grid = readStoredSweep(folder);
  if (!grid) return undefined;
  const summaries = readSummaries(folder, grid);
  const results = summaries.size === 0 ? undefined : computeResults(grid, summaries);
  const { name, claim } = grid;
  return {
    name: printable(name, 200),
    ...(claim !== undefined && { claim: printable(claim, 4096) }),
    hasReport: hasReport(folder),
    highlights: (results?.highlights ?? []).map(({ topic, texts }) => ({
      topic,
      texts: texts.map((text) => printable(text, 4096)),
    })),
    text: results ? stripVTControlCharacters(sweepText(results)) : "No trial has finished yet.",
  };
}

/** Reads the summaries of the finished runs of a sweep, by the id of the trial. */
export function readSummaries(
  folder: string,
  { trials }: Pick<StoredSweep, "trials">,
): ReadonlyMap<string, Summary> {
  return new Map(
    trials.flatMap(({ id, folder: name }) => {
      const summary = readSummary(join(folder, name));
      return summary ? [[id, summary] as const] : [];
    }),
  );
}
