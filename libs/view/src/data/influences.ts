import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Trial } from "@fedclair/core/internal";
import {
  clientEvaluations,
  eachRecord,
  findRun,
  formatNumber,
  formatSigned,
  ownProperty,
  pairedDifference,
  readMetric,
  readRunInfo,
  sharedEvaluations,
  type ArmRecord,
  type Run,
  type StoredRun,
} from "@fedclair/runs";
import { mean } from "@fedclair/linalg";

/** A run of the same trial without some clients, as `fedclair replay` makes it. */
export interface Influence {
  readonly folder: string;
  readonly clients: readonly string[];
  /** The first round without them. */
  readonly from: number;
  /** The primary metric of the main arm after the last round. */
  readonly metric: string;
  /**
   * Who measured it: the coordinator, or the clients that did so in both runs. A client that is
   * left out does not measure, so the means of all would be over different clients.
   */
  readonly measuredBy: string;
  readonly withThem: string;
  readonly without: string;
  /** The value without them minus that with them, with its sign and, over clients, its interval. */
  readonly difference: string;
}

/**
 * Finds the finished runs that `fedclair replay` put next to a run, and compares their primary
 * metric with that of the run. Runs of another trial, release or backend are ignored. Those that
 * leave out the clients with the highest scores come first.
 */
export async function findInfluences(run: Run, folder: string): Promise<Influence[]> {
  const { primary } = run.description;
  const [{ label }] = run.arms;
  const own = run.last.get(label);
  const hasStopped = ({ stopped }: Run["summary"]) => ownProperty(stopped, label) !== undefined;
  const here = resolve(folder);
  const info = readRunInfo(here);
  if (primary === undefined || !own || !info || !run.isFinished || hasStopped(run.summary))
    return [];
  const prefix = `${basename(here)}-without-`;
  const names = (await readdir(dirname(here)).catch(() => [])).filter((name) =>
    name.startsWith(prefix),
  );
  const influences: Influence[] = [];
  for (const name of names.sort()) {
    const place = join(dirname(here), name);
    const other = await findRun(place).catch(() => undefined);
    if (!other?.summary || !isSameProgram(info, other.info)) continue;
    if (hasStopped(other.summary)) continue;
    const absent = listAbsent(run.trial, other.trial);
    const last = absent && (await readLast(place, own));
    const compared = last && compareLast(primary, own, last);
    if (compared) influences.push({ folder: name, ...absent, metric: primary, ...compared });
  }
  const ratio = ({ clients }: Influence) =>
    Math.max(...clients.map((id) => run.clients.get(id)?.highestRatio ?? -1));
  return influences.sort((a, b) => ratio(b) - ratio(a) || a.from - b.from);
}

/** Says what leaving out clients changed, as `without c03 from round 1 on, error is 0.4 …`. */
export function influenceText(influence: Influence): string {
  const { clients, from, metric, withThem, without, difference, measuredBy } = influence;
  return `without ${listIds(clients)} from round ${from} on, ${metric} is ${without} instead of ${withThem} (${difference}; ${measuredBy})`;
}

/** Lists ids of clients; more than a few are counted. */
export function listIds(ids: readonly string[]): string {
  const shown = ids.slice(0, 5).join(", ");
  return ids.length <= 5 ? shown : `${shown} and ${ids.length - 5} more`;
}

/** Do two runs have the release and the backend that make numbers comparable to the last digit? */
function isSameProgram(a: StoredRun["info"], b: StoredRun["info"]): boolean {
  return a.version === b.version && a.backend === b.backend;
}

/**
 * Finds the clients that a trial leaves out and another one does not, and since when. Undefined if
 * the trials differ in anything else, or not all of these clients are absent from the same round.
 */
function listAbsent(own: Trial, other: Trial): Pick<Influence, "clients" | "from"> | undefined {
  const { absent: already = [], ...trial } = own;
  const { absent = [], ...otherTrial } = other;
  if (!isDeepStrictEqual(trial, otherTrial)) return undefined;
  const before = firstRounds(already);
  const more = [...firstRounds(absent)].filter(([id, from]) => before.get(id) !== from);
  const [[, from] = []] = more;
  if (from === undefined || more.some(([, one]) => one !== from)) return undefined;
  return { clients: more.map(([id]) => id), from };
}

function firstRounds(absent: NonNullable<Trial["absent"]>): Map<string, number> {
  return new Map(absent.flatMap(({ clients, from }) => clients.map((id) => [id, from] as const)));
}

/** Reads the record of the same arm and round in another run. */
async function readLast(folder: string, { arm, round }: ArmRecord): Promise<ArmRecord | undefined> {
  let last: ArmRecord | undefined;
  for await (const record of eachRecord(folder)) if (record.arm === arm) last = record;
  return last?.round === round ? last : undefined;
}

/** Relative differences below this are rounding of sums in another order, not an influence. */
const rounding = 1e-12;

function withoutRounding(value: number, reference: number): number {
  const isSame = Math.abs(value - reference) <= rounding * Math.abs(reference);
  return isSame ? reference : value;
}

/** Compares a metric that the clients or else the coordinator measured in both records. */
function compareLast(metric: string, own: ArmRecord, other: ArmRecord) {
  const [without = new Map<string, never>(), withThem] = sharedEvaluations(
    [other, own].map(({ clients }) => clientEvaluations(clients)),
    metric,
  );
  const pairs = [...without].map(([id, metrics]) => {
    const reference = readMetric(withThem?.get(id), metric) ?? NaN;
    return [withoutRounding(readMetric(metrics, metric) ?? NaN, reference), reference] as const;
  });
  if (withThem && withThem.size > 0 && pairs.length > 0) {
    return {
      measuredBy: `mean of ${pairs.length === 1 ? "the client that" : `the ${pairs.length} clients that`} measured in both runs`,
      withThem: formatNumber(mean(pairs.map(([, value]) => value))),
      without: formatNumber(mean(pairs.map(([value]) => value))),
      difference: formatSigned(pairedDifference(pairs)),
    };
  }
  const values = [other, own].map(({ metrics }) => readMetric(metrics, metric));
  const [after, before] = values;
  if (after === undefined || before === undefined) return undefined;
  return {
    measuredBy: "measured by the coordinator",
    withThem: formatNumber(before),
    without: formatNumber(after),
    difference: formatSigned({
      mean: withoutRounding(after, before) - before,
      interval: undefined,
    }),
  };
}
