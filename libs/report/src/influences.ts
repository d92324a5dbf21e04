import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { findRun, formatNumber, type Run } from "@fedclair/runs";

/** A run of the same trial without some clients, as `fedclair replay` makes it. */
export interface Influence {
  readonly folder: string;
  readonly clients: readonly string[];
  /** The first round without them. */
  readonly from: number;
  /** The main measure of the trial with them and without them. */
  readonly measure: string;
  readonly withThem: string;
  readonly without: string;
}

/**
 * Finds the finished runs that `fedclair replay` put next to a run, and compares their primary
 * measure with that of the run.
 */
export async function findInfluences(run: Run, folder: string): Promise<Influence[]> {
  const { primary } = run.description;
  const here = resolve(folder);
  const prefix = `${basename(here)}-without-`;
  const names = (await readdir(dirname(here)).catch(() => [])).filter((name) =>
    name.startsWith(prefix),
  );
  const influences: Influence[] = [];
  for (const name of names.sort()) {
    const other = await findRun(join(dirname(here), name)).catch(() => undefined);
    const [absent, ...more] = other?.trial.absent ?? [];
    if (!other?.summary || !absent || more.length > 0 || run.trial.absent) continue;
    const { details } = other.summary;
    const measure = details.find(
      ({ scope, metric, arm, comparison }) =>
        (scope === "clients" || scope === "global") &&
        metric === primary &&
        (arm ?? run.arms[0].label) === run.arms[0].label &&
        comparison === undefined,
    );
    const own = run.summary.details.find((one) => one.name === measure?.name);
    if (!measure || !own) continue;
    influences.push({
      folder: name,
      clients: absent.clients,
      from: absent.from,
      measure: measure.name,
      withThem: formatNumber(own.value),
      without: formatNumber(measure.value),
    });
  }
  return influences;
}
