import { areEqual, median, pick } from "@fedclair/linalg";
import { indicesOf, zeroShare, type Client } from "../updates/sanitise.js";
import { detect, skipDetection, type CutOptions, type Decomposition } from "./detect.js";
import type { Comparison, PooledViews } from "./module-views.js";
import { computeTangents, type SpaceOptions, type Views } from "./view-measures.js";

/** The modules of a round, which are compared together. */
interface SharedModules {
  readonly names: readonly string[];
  /**
   * Runs steps 1 to 3 for every module.
   * @param ranks ranks by module, if they are known
   */
  views(comparison: Comparison, ranks?: readonly number[]): Promise<PooledViews>;
}

/** How the shared space is found, and which clients lie outside it. */
export interface FindOptions extends SpaceOptions, CutOptions {
  /** Whether the benign mean is subtracted before the fit. */
  readonly centered: boolean;
  /** Whether that mean is scaled to each change. */
  readonly scalesCommonPart: boolean;
  /** With fewer clients, nobody lies outside. */
  readonly minClients: number;
}

/** Clients that agree more with the others than these do with each other. */
interface AgreeingClients {
  readonly members: readonly number[];
  /** Whether they agree for certain. */
  readonly isCertain: boolean;
}

/** The space that clients share, with the detection of the clients outside it. */
export interface FoundSpace {
  readonly detection: Decomposition;
  readonly views: PooledViews;
  readonly comparison: Comparison;
}

/**
 * Runs steps 1 to 5. The search is skipped if just over half of the clients agree for certain,
 * which no minority can cause, or if no space holds much of half of them. The space is then fitted
 * to these clients, unless it holds so much that lying outside could flag a client by itself.
 * @param clients at least one
 * @param earlier ln of each client's score over its earlier rounds; undefined for a new client
 * @param core the clients that agree most, if that is known
 */
export async function findSharedSpace(
  modules: SharedModules,
  clients: readonly Client[],
  earlier: readonly (number | undefined)[],
  options: FindOptions,
  core?: AgreeingClients,
): Promise<FoundSpace> {
  if (core !== undefined && clients.length >= options.minClients) {
    const likely = core.isCertain ? core.members : await findBestFitted(modules, clients, options);
    const found = likely && (await findSpaceFrom(likely, modules, clients, earlier, options));
    if (found && computeBenignShare(found.detection) < minSearchShare) return found;
    found?.views.drop();
  }
  return findSpaceFrom(undefined, modules, clients, earlier, options);
}

/**
 * Returns the clients that the largest allowed space fits best. This needs one search instead of
 * one for each rank and module. It returns undefined if that space holds so much of the clients
 * that a smaller one may be trusted.
 */
async function findBestFitted(
  modules: SharedModules,
  clients: readonly Client[],
  options: FindOptions,
): Promise<readonly number[] | undefined> {
  if (options.rank !== "auto") return undefined;
  const largest = modules.names.map(() => options.rankMax);
  const views = await modules.views({ clients: indicesOf(clients), leastNorm: 0 }, largest);
  const members = await views.search(options);
  const isTrusted = async () =>
    (await boundBenignShare(views, members)) >= minTrustedShare &&
    computeBenignShare(await detect(views, members, [], options, 1)) >= minTrustedShare;
  const found = (await isTrusted()) ? undefined : members;
  views.drop();
  return found;
}

/**
 * With option `centered`, repeats the steps on the changes without the benign mean until the benign
 * set stays the same. A large common part would distort the fit, and the wanted space is the one in
 * which benign clients vary.
 * @param core clients that are known to fit one space; if absent, they are searched
 */
async function findSpaceFrom(
  core: readonly number[] | undefined,
  modules: SharedModules,
  clients: readonly Client[],
  earlier: readonly (number | undefined)[],
  options: FindOptions,
): Promise<FoundSpace> {
  const rounding = zeroShare * median(clients.map(({ norm }) => norm));
  let comparison: Comparison = { clients: indicesOf(clients), leastNorm: 0, ...(core && { core }) };
  for (let pass = 0, before: readonly number[] = []; ; pass++) {
    const views = await modules.views(comparison); // steps 1 to 3
    const detection = await detectIn(views, earlier, options, core); // steps 4 and 5
    if (!options.centered || pass === 5 || areEqual(detection.inside, before))
      return { detection, views, comparison };
    views.drop();
    const centre = {
      clients: pick(comparison.clients, detection.inside),
      isScaled: options.scalesCommonPart,
    };
    comparison = { ...comparison, centre, leastNorm: rounding };
    before = detection.inside;
  }
}

/**
 * Share of the benign changes above which a space separates benign from contaminated clients by
 * itself. Measured shares are 0.7 to 0.97 on linear regression, networks, denoising and students,
 * 0.5 on digits, and 0.1 to 0.3 on adapters of language models.
 */
const minTrustedShare = 0.6;

/**
 * Share above which a space that was fitted to an agreeing core is searched after all, because the
 * search may find a trusted one.
 */
const minSearchShare = 0.5;

/** Whether the space holds at least half of the median benign change. */
export function isSharedByMost(detection: Pick<Decomposition, "inside" | "scores">): boolean {
  return computeBenignShare(detection) >= minSearchShare;
}

/** Share of its energy that the median benign change has inside the space. */
function computeBenignShare({ inside, scores }: Pick<Decomposition, "inside" | "scores">): number {
  return toShare(median(pick(scores, inside)));
}

function toShare(tangent: number): number {
  return 1 / (1 + tangent ** 2);
}

/**
 * Computes the largest share that a detection from the members could find, from one fit. A fit
 * without a client never holds more of it, and at least as many clients as members are inside.
 */
async function boundBenignShare(views: Views, members: readonly number[]): Promise<number> {
  const scores = Float64Array.from(computeTangents(await views.fit(members))).sort();
  return toShare(median(scores.subarray(0, members.length)));
}

async function detectIn(
  views: PooledViews,
  earlier: readonly (number | undefined)[],
  options: FindOptions,
  core: readonly number[] | undefined,
): Promise<Decomposition> {
  if (views.size < options.minClients) return skipDetection(views, options.minClients);
  if (core) return detect(views, core, earlier, options, 1);
  return detect(views, await views.search(options), earlier, options);
}
