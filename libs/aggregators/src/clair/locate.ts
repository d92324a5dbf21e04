import type { Matrix } from "@fedclair/linalg";
import { combine, type Change, type Side } from "./change.js";
import { detect, withoutDetection, type Detection } from "./detect.js";
import { detectConvex } from "./detect-convex.js";
import { fit, pick, type Bases, type Problem } from "./fit.js";
import type { ClairOptions } from "./options.js";
import { rankOf, rowsOf } from "./rank.js";
import type { Client } from "./sanitise.js";
import { search } from "./search.js";
import { viewOf, type View } from "./views.js";

/** The shared space of one module: orthonormal columns, p×r on the left, q×r on the right. */
export interface SharedSpace {
  readonly rank: number;
  readonly left?: Matrix;
  readonly right?: Matrix;
}

export interface Located {
  readonly detection: Detection;
  /** By module. */
  readonly spaces: ReadonlyMap<string, SharedSpace>;
}

/** ln of the clients' scores over earlier rounds, by client id. */
export type Memory = ReadonlyMap<string, number>;

/**
 * Steps 1 to 5: the shared space of every module, and who is in it.
 * @param clients at least one
 * @param leastNorm a change with a norm up to it counts as zero
 */
export function locate(
  clients: readonly Client[],
  modules: readonly string[],
  options: ClairOptions,
  memory: Memory,
  leastNorm = 0,
): Located {
  const largestRank = options.rank === "auto" ? options.rankMax : options.rank;
  const parts = modules.map((module) => {
    const views = viewsOf(changesOf(clients, module), options, largestRank, leastNorm);
    return { module, views, rank: rankOf(views, clients.length, options) };
  });
  const problem: Problem = {
    sought: parts.flatMap(({ views, rank }) => views.map((view) => ({ view, rank }))),
    size: clients.length,
    pooling: options.pooling,
  };
  const detection = judge(problem, clients, options, memory);
  const spaces = parts.map(({ module, views, rank }, m): [string, SharedSpace] => {
    const bases = detection.bases.slice(m * views.length, (m + 1) * views.length);
    return [module, { rank, ...bySide(views, bases, detection.benign) }];
  });
  return { detection, spaces: new Map(spaces) };
}

function viewsOf(
  changes: readonly Change[],
  options: ClairOptions,
  largestRank: number,
  leastNorm?: number,
): View[] {
  const sides: readonly Side[] = options.side === "both" ? ["left", "right"] : [options.side];
  return sides.map((side) => viewOf(changes, side, options, largestRank, leastNorm));
}

function judge(
  problem: Problem,
  clients: readonly Client[],
  options: ClairOptions,
  memory: Memory,
): Detection {
  if (clients.length < options.minClients) return withoutDetection(problem);
  if (options.solver === "convex") return detectConvex(problem, options);
  const earlier = clients.map(({ id }) => memory.get(id));
  return detect(problem, search(problem, options), earlier, options);
}

/**
 * Section 3.1: the space of what varies between benign clients, for a common part that is large. A fit mixes such a part in; here the
 * mean of the benign clients is taken out and the rest located again, until the set stays.
 * @param leastNorm a difference with a norm up to it is rounding
 */
export function locateCentred(
  clients: readonly Client[],
  modules: readonly string[],
  options: ClairOptions,
  memory: Memory,
  leastNorm: number,
): Located {
  let located = locate(clients, modules, options, memory);
  for (let pass = 0; pass < 5; pass++) {
    const { benign } = located.detection;
    const differences = lessMean(clients, modules, benign);
    located = locate(differences, modules, options, memory, leastNorm);
    if (located.detection.benign.join() === benign.join()) break;
  }
  return located;
}

/** Every client less the mean of the members. */
function lessMean(
  clients: readonly Client[],
  modules: readonly string[],
  members: readonly number[],
): Client[] {
  const means = new Map(
    modules.map((module) => {
      const changes = pick(changesOf(clients, module), members);
      return [module, combine(changes, new Array(changes.length).fill(1 / changes.length))];
    }),
  );
  return clients.map((client) => ({
    ...client,
    modules: new Map(
      [...client.modules].map(([module, change]) => {
        const mean = means.get(module);
        return [module, mean === undefined ? change : combine([change, mean], [1, -1])];
      }),
    ),
  }));
}

export function changesOf(clients: readonly Client[], module: string): Change[] {
  return clients.flatMap(({ modules }) => modules.get(module) ?? []);
}

/** The spaces of the same ranks that fit these clients, and nobody else. @param clients at least one */
export function refitted(
  clients: readonly Client[],
  spaces: ReadonlyMap<string, SharedSpace>,
  options: ClairOptions,
): Map<string, SharedSpace> {
  const all = [...clients.keys()];
  return new Map(
    [...spaces].map(([module, { rank }]) => {
      const views = viewsOf(changesOf(clients, module), options, rank);
      // Fewer clients may have fewer directions than the space had.
      const sought = views.map((view) => ({ view, rank: Math.min(rank, rowsOf(view)) }));
      const bases = fit({ sought }, all);
      return [module, { rank: sought[0]?.rank ?? 0, ...bySide(views, bases, all) }];
    }),
  );
}

/** The bases fitted to the members, in the module's own coordinates. */
function bySide(
  views: readonly View[],
  bases: Bases,
  members: readonly number[],
): Omit<SharedSpace, "rank"> {
  return Object.fromEntries(
    views.map((view, v) => {
      const basis = bases[v];
      return [view.side, basis && view.lift(basis, members)];
    }),
  );
}
