import { median, item } from "@fedclair/linalg";
import { detect, detectConvex, skipDetection, type Detection } from "./detection/detect.js";
import { minSearchShare, computeBenignShare, minTrustedShare } from "./evidence/outside.js";
import { loadNullLaw } from "./evidence/outliers.js";
import {
  findAgreeingCore,
  isAgreementCertain,
  pieceCount,
  type Similarity,
} from "./evidence/pieces.js";
import { pick } from "./lists.js";
import { leastClients, type ClairOptions } from "./options.js";
import { indicesOf, type Client } from "./sanitise.js";
import { computeShares } from "./subspace/views.js";
import type { ModulePool } from "./threads/module-pool.js";
import type { Comparison } from "./threads/module-state.js";
import type { PooledViews } from "./threads/module-views.js";

/** The space that clients share, with the detection of the clients outside it. */
export interface FoundSpace {
  readonly detection: Detection;
  readonly views: PooledViews;
  readonly comparison: Comparison;
}

/**
 * Runs steps 1 to 5. The search is skipped if just over half of the clients agree for certain,
 * which no minority can cause, or if no space holds much of half of them. The space is then fitted
 * to these clients, unless it holds so much that lying outside could flag a client by itself.
 * @param clients at least one
 * @param earlier ln of each client's score over its earlier rounds; undefined for a new client
 * @param similarity of the clients, with rule `evidence`
 */
export async function findSharedSpace(
  modules: ModulePool,
  clients: readonly Client[],
  earlier: readonly (number | undefined)[],
  options: ClairOptions,
  similarity: Similarity | undefined,
): Promise<FoundSpace> {
  if (similarity !== undefined) {
    void loadNullLaw(clients.length, pieceCount); // computed while other threads are busy
    const core = findAgreeingCore(similarity);
    const likely = isAgreementCertain(similarity, core)
      ? core
      : await findBestFitted(modules, clients, options);
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
  modules: ModulePool,
  clients: readonly Client[],
  options: ClairOptions,
): Promise<readonly number[] | undefined> {
  if (options.rank !== "auto") return undefined;
  const largest = modules.names.map(() => options.rankMax);
  const views = await modules.views({ clients: indicesOf(clients), leastNorm: 0 }, largest);
  const members = await views.search(options);
  const once = { ...options, refits: 1, memoryBeta: 0 };
  const detection = await detect(views, members, [], once);
  views.drop();
  return computeBenignShare(detection) < minTrustedShare ? members : undefined;
}

/**
 * With option `centered`, repeats the steps on the changes without the benign mean until the benign
 * set stays the same. A large common part would distort the fit, and the wanted space is the one in
 * which benign clients vary.
 * @param core clients that are known to fit one space; if absent, they are searched
 */
async function findSpaceFrom(
  core: readonly number[] | undefined,
  modules: ModulePool,
  clients: readonly Client[],
  earlier: readonly (number | undefined)[],
  options: ClairOptions,
): Promise<FoundSpace> {
  const rounding = options.zeroTol * median(clients.map(({ norm }) => norm));
  let comparison: Comparison = { clients: indicesOf(clients), leastNorm: 0, ...(core && { core }) };
  for (let pass = 0, before = ""; ; pass++) {
    const views = await modules.views(comparison); // steps 1 to 3
    const detection = await detectIn(views, earlier, options, core); // steps 4 and 5
    const set = detection.benign.join();
    if (!options.centered || pass === 5 || set === before) return { detection, views, comparison };
    views.drop();
    const centre = pick(comparison.clients, detection.benign);
    comparison = { ...comparison, centre, leastNorm: rounding };
    before = set;
  }
}

/**
 * Above this number of members, leaving out a single one hardly changes the fit. They are then left
 * out in half as many folds.
 */
const maxSingleFolds = 24;

/**
 * Every client's share of energy in the one direction that the core has in common, fitted without
 * that client; the mean over modules.
 */
export async function computeCommonShares(
  found: PooledViews,
  core: readonly number[],
): Promise<readonly number[]> {
  const views = await found.ofRank(1);
  const shares = computeShares(await views.fit(core));
  const folds = core.length <= maxSingleFolds ? core.length : maxSingleFolds / 2;
  const without = computeShares(await views.leaveOut(core, folds));
  core.forEach((k, member) => (shares[k] = item(without, member)));
  views.drop();
  return shares;
}

async function detectIn(
  views: PooledViews,
  earlier: readonly (number | undefined)[],
  options: ClairOptions,
  core: readonly number[] | undefined,
): Promise<Detection> {
  if (views.size < leastClients(options)) return skipDetection(views, options);
  if (options.solver === "convex") return detectConvex(views, options);
  // A single pass without leave-one-out: the core holds more of its own members than of a similar
  // client.
  if (core) return detect(views, core, earlier, { ...options, refits: 1, leaveOneOut: false });
  return detect(views, await views.search(options), earlier, options);
}
