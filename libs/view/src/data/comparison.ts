import { basename } from "node:path";
import { printable } from "@fedclair/core/internal";
import {
  compareRuns,
  formatEstimate,
  formatNumber,
  mainRecords,
  readRun,
  type Run,
  type TrialDescription,
} from "@fedclair/runs";
import type { Comparison } from "./protocol.js";
import { chooseMetric, measuredValues } from "./round-columns.js";

/** Longest value of a trial file in a table, in bytes: a claim may be a paragraph. */
export const maxValueBytes = 200;

/** A run to compare. */
export interface ComparedFolder {
  readonly folder: string;
  readonly path: string;
  readonly description: TrialDescription | undefined;
}

/**
 * Compares runs: what differs in their trials, their measures side by side, and the primary metric
 * of their main arms over rounds.
 * @throws UserError if one of them cannot be read
 */
export async function compareFolders(folders: readonly ComparedFolder[]): Promise<Comparison> {
  const runs: Run[] = [];
  for (const { folder, description } of folders) runs.push(await readRun(folder, description));
  const names = folders.map(({ path, folder }) => printable(path || basename(folder), 200));
  const unique = names.map((name, i) => (names.indexOf(name) === i ? name : `${name} #${i + 1}`));
  const compared = compareRuns(new Map(runs.map((run, i) => [unique[i] ?? "", run])));
  return {
    names: unique,
    paths: folders.map(({ path }) => path),
    differences: compared.differences.map(({ path, values }) => {
      return {
        path: printable(path, maxValueBytes),
        values: values.map((value) =>
          value === undefined ? undefined : printable(value, maxValueBytes),
        ),
      };
    }),
    measures: compared.measures.map(({ name, values, best, estimate }) => {
      return {
        name: printable(name, maxValueBytes),
        values: values.map((value) => (value === undefined ? undefined : formatNumber(value))),
        best: [...best],
        ...(estimate && { estimate: formatEstimate(estimate) }),
      };
    }),
    ...(compared.models !== undefined && { note: compared.models }),
    curves: runs.map((run, i) => ({ name: unique[i] ?? "", ...curveOf(run) })),
  };
}

function curveOf(run: Run): Omit<Comparison["curves"][number], "name"> {
  const records = mainRecords(run);
  const metric = records
    .map((record) => chooseMetric(record, run.description))
    .find((one) => one !== undefined);
  if (!metric) return { metric: "", points: [] };
  const points = records.flatMap((record) => {
    const values = measuredValues(record, metric);
    return values ? [[record.round, values[0], values[1], values[2]] as const] : [];
  });
  const { name, better } = metric;
  return { metric: printable(name, maxValueBytes), ...(better && { better }), points };
}
