import { join } from "node:path";
import { printable } from "@fedclair/core/internal";
import {
  computeResults,
  readStoredSweep,
  readSummary,
  sweepCard,
  type Grid,
  type StoredSweep,
  type Summary,
} from "@fedclair/runs";
import { heatTables } from "./heat-tables.js";
import type { SweepView } from "./protocol.js";
import { hasReport } from "./report-file.js";
import { formatRoute } from "./routes.js";

/**
 * Reads the results so far of a sweep or study. Returns undefined if the folder holds none.
 * @param path of the folder, relative to the one that is served
 */
export function readSweepView(folder: string, path: string): SweepView | undefined {
  const grid = readStoredSweep(folder);
  if (!grid) return undefined;
  const summaries = readSummaries(folder, grid);
  const results = summaries.size === 0 ? undefined : computeResults(grid, summaries);
  const linkOf = ([first]: Grid["trials"]) =>
    first && formatRoute({ view: "run", path: [path, first.folder].filter(Boolean).join("/") });
  const { name, claim } = grid;
  return {
    name: printable(name, 200),
    ...(claim !== undefined && { claim: printable(claim, 4096) }),
    hasReport: hasReport(folder),
    highlights: (results?.highlights ?? []).map(({ topic, texts }) => ({
      topic,
      texts: texts.map((text) => printable(text, 4096)),
    })),
    card: results ? sweepCard(results) : { tone: "plain", parts: [] },
    tables: results === undefined ? [] : heatTables(grid, results.tables, linkOf),
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
