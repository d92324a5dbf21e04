import { UserError, type ModuleDistance, type Update, type VerdictStatus } from "@fedclair/core";
import { areEqual, item, pick, zip } from "@fedclair/linalg";
import { findFailures, type ClientVerdict } from "./judge/gap.js";
import { withholdMisplaced } from "./judge/profile.js";
import { judgeRound, type ClairResult, type RoundContext } from "./judge-round.js";
import { ModulePool } from "./modules/module-pool.js";
import { leastClients, type ClairOptions } from "./options.js";
import { isSharedByMost, type FoundSpace } from "./space/find-shared-space.js";
import { measureMargin } from "./space/margin.js";
import type { SharedSpace } from "./space/projection.js";
import { listFarModules } from "./space/view-measures.js";
import { indicesOf, sanitise, selectComparable, type Client } from "./updates/sanitise.js";

/**
 * Runs steps 0 to 6 of CLAIR: recovers from the updates of one round the low-rank space that benign
 * clients share, and finds the clients outside it, as a structured low-rank plus block-sparse
 * decomposition. After He, Chen and Feng, "Federated LoRA Fine-Tuning for LLMs via Collaborative
 * Alignment", arXiv 2605.21217. The estimator is a least trimmed subspace. It was designed for this
 * platform from the paper's abstract and is not the authors' code. The steps:
 *
 * 0. select the clients that can be compared (updates/sanitise.ts)
 * 1. to 3. reduce each module to a narrow block, scale it, choose its rank (space/module-view.ts)
 * 4. find the space that the clients share (space/search.ts)
 * 5. score the clients against it (space/detect.ts) and judge them (judge/)
 * 6. report on this round's clients
 * 7. refine the updates of those that are pooled (refine.ts)
 * @param updates one for each client
 * @throws UserError if no module has two axes or more
 */
export async function clair(
  updates: readonly Update[],
  options: ClairOptions,
  context: RoundContext = {},
): Promise<ClairResult> {
  const { past = [], threads = 0 } = context;
  // Step 0: select the clients that can be compared.
  const compared = await selectComparable([...updates, ...past]);
  const modules = await ModulePool.create(compared, options, threads);
  try {
    const norms = await modules.each((module) => module.ask("norms"));
    const { active: clients, inactive } = sanitise(compared, norms);

    // Steps 1 to 5: find the space that the clients share, and judge the clients.
    const rows = pick(compared, indicesOf(clients)).map((update) => updates.indexOf(update));
    const present = indicesWhere(rows, (row) => row >= 0);
    const active = { clients, present, rows };
    const judgement = await judgeRound(modules, active, options, context);
    const { found, voters, groups, votes, judge } = judgement;
    const canFlag = clients.length >= leastClients(options);
    const isOfPairs = judgement.judge.by === "evidence" && !judgement.judge.measures.isDense;
    const ownNorms = norms.map((ofModule) => pick(ofModule, indicesOf(clients)));
    const judged =
      canFlag && isOfPairs
        ? withholdMisplaced(
            judgement.clients,
            new Map(zip(modules.names, ownNorms)),
            voters,
            options.rule,
          )
        : judgement.clients;

    // Step 6: report on this round's clients.
    const pooling = indicesWhere(judged, ({ isPooled }) => isPooled);
    const shared = takeOncePerGroup(pooling, voters, votes);
    const takePresent = (some: readonly number[]) =>
      pick(
        clients,
        some.filter((k) => item(rows, k) >= 0),
      );
    const isFitted =
      past.length === 0 && areEqual(shared, pick(voters, found?.detection.inside ?? []));
    const spaces = await fitSpaces(modules, found, isFitted ? [] : takePresent(shared));
    const inside = takePresent(pooling);
    const failures = await runScreens(modules, spaces, inside, options);
    const pooled = inside.filter(({ id }) => !failures.has(id));
    const byId = <T>(values: readonly T[]) =>
      new Map(
        values.length === 0 ? [] : present.map((k) => [item(clients, k).id, item(values, k)]),
      );
    const verdicts = byId(judged);
    const listIds = (some: readonly number[]) =>
      listGroups(present, some).map((group) => group.map((k) => item(clients, k).id));
    const copies = listIds(groups);
    for (const group of copies) noteCopies(group, verdicts);
    const identifiable = canFlag
      ? await measureIdentifiability(pick(clients, voters), found)
      : undefined;
    if (identifiable?.rivals) noteRivals(identifiable.rivals, verdicts);
    for (const [id, reason] of failures) {
      const own = verdicts.get(id);
      if (own) verdicts.set(id, { ...own, status: "contaminated", isPooled: false, reason });
    }
    return {
      status: toStatuses(updates, inactive, verdicts),
      verdicts,
      judge,
      active: pick(clients, present),
      pooled,
      canFlag,
      tangents: byId(judge.by === "gap" ? (found?.detection.scores ?? []) : []),
      farModules: findFarModules(
        modules,
        pick(clients, voters),
        canFlag ? found : undefined,
        pooled,
        verdicts,
      ),
      copies,
      votes: listIds(votes),
      gap: found?.detection.gap ?? 1,
      identifiable,
      spaces: new Map(spaces.map((space, m) => [item(modules.names, m), space])),
      modules,
    };
  } catch (error) {
    modules.close();
    throw error;
  }
}

/** One pooled client of each group: the one that votes, if it is pooled. */
function takeOncePerGroup(
  pooling: readonly number[],
  voters: readonly number[],
  groups: readonly number[],
): number[] {
  const vote = new Set(voters);
  const first = new Map<number, number>();
  for (const k of pooling) {
    const group = item(groups, k);
    if (vote.has(k) || !first.has(group)) first.set(group, k);
  }
  return [...first.values()].sort((i, j) => i - j);
}

/** Adds to the reasons about copies whose change they are like. */
function noteCopies(group: readonly string[], verdicts: Map<string, ClientVerdict>): void {
  for (const id of group) {
    const other = group.find((one) => one !== id) ?? "";
    const rest = group.length > 2 ? ` and ${group.length - 2} more` : "";
    addToReason(id, `is a copy of ${other}${rest}, or they are of it`, verdicts);
  }
}

function addToReason(id: string, note: string, verdicts: Map<string, ClientVerdict>): void {
  const verdict = verdicts.get(id);
  if (!verdict) return;
  const reason = verdict.reason === undefined ? note : `${verdict.reason}; ${note}`;
  verdicts.set(id, { ...verdict, reason });
}

async function measureIdentifiability(
  clients: readonly Client[],
  found: FoundSpace | undefined,
): Promise<ClairResult["identifiable"]> {
  if (!found || !isSharedByMost(found.detection)) return undefined;
  const measured = await measureMargin(found.views, found.detection.inside);
  if (!measured?.rivals) return measured as ClairResult["identifiable"];
  const [own, other] = measured.rivals;
  const toIds = (some: readonly number[]) => pick(clients, some).map(({ id }) => id);
  return { ...measured, rivals: [toIds(own), toIds(other)] };
}

/** Most ids of a group that a reason names. */
const mostNamed = 3;

/** Adds to the reasons of clients outside the space that another group would explain as much. */
function noteRivals(
  [own, other]: NonNullable<NonNullable<ClairResult["identifiable"]>["rivals"]>,
  verdicts: Map<string, ClientVerdict>,
): void {
  if (own.length === 0 || other.length === 0) return;
  const name = (ids: readonly string[]) => {
    const rest = ids.length > mostNamed ? ` and ${ids.length - mostNamed} more` : "";
    return `${ids.slice(0, mostNamed).join(", ")}${rest}`;
  };
  const note = `not identifiable: ${name(other)} explain most updates as well as ${name(own)}`;
  for (const id of other) {
    if (verdicts.get(id)?.status !== "benign") addToReason(id, note, verdicts);
  }
}

/** The groups with two or more of some clients. */
function listGroups(some: readonly number[], groups: readonly number[]): number[][] {
  const members = new Map<number, number[]>();
  for (const k of some) {
    const group = item(groups, k);
    members.set(group, [...(members.get(group) ?? []), k]);
  }
  return [...members.values()].filter(({ length }) => length > 1);
}

/**
 * The shared spaces by module.
 * @param alone if not empty, the spaces are fitted to these clients only
 */
async function fitSpaces(
  modules: ModulePool,
  found: FoundSpace | undefined,
  alone: readonly Client[],
): Promise<SharedSpace[]> {
  if (!found) return [];
  const { detection, views, comparison } = found;
  if (alone.length === 0) return views.spaces(detection.inside);
  const clients = indicesOf(alone);
  const centre = comparison.centre && { centre: { ...comparison.centre, clients } };
  const own = await modules.views({ ...comparison, clients, ...centre }, views.ranks);
  return own.spaces([...clients.keys()]);
}

/**
 * Applies the screens to clients inside the space and returns the reason of every failure by client
 * id.
 */
async function runScreens(
  modules: ModulePool,
  spaces: readonly SharedSpace[],
  inside: readonly Client[],
  { screens }: ClairOptions,
): Promise<Map<string, string>> {
  if (screens.length === 0 || inside.length < 3) return new Map();
  const grams = await modules.each((module, m) =>
    module.ask("gramInside", item(spaces, m), indicesOf(inside)),
  );
  const failed = await findFailures(grams, screens);
  return new Map(failed.map(([k, reason]) => [item(inside, k).id, reason]));
}

/** Finds the modules in which flagged and undecided clients lie farthest outside the space. */
function findFarModules(
  { names }: ModulePool,
  clients: readonly Client[],
  found: FoundSpace | undefined,
  pooled: readonly Client[],
  verdicts: ReadonlyMap<string, ClientVerdict>,
): Map<string, readonly ModuleDistance[]> {
  if (!found) return new Map();
  const included = new Set(pooled);
  const isDoubtful = ({ id }: Client) => (verdicts.get(id)?.status ?? "benign") !== "benign";
  const far = listFarModules(
    names,
    found.detection.energies,
    indicesWhere(clients, (client) => included.has(client)),
    indicesWhere(clients, isDoubtful),
  );
  return new Map([...far].map(([k, list]) => [item(clients, k).id, list]));
}

function indicesWhere<T>(items: readonly T[], holds: (one: T) => boolean): number[] {
  return items.flatMap((one, k) => (holds(one) ? [k] : []));
}

/** The status of every client. */
function toStatuses(
  updates: readonly Update[],
  inactive: readonly string[],
  verdicts: ReadonlyMap<string, ClientVerdict>,
): Map<string, VerdictStatus> {
  const idle = new Set(inactive);
  return new Map(
    updates.map(({ clientId: id }) => [
      id,
      verdicts.get(id)?.status ?? (idle.has(id) ? "inactive" : "invalid"),
    ]),
  );
}

/**
 * Rejects spaces of all dimensions. They contain every update, so no client could ever be flagged
 * as outside.
 */
export function requireProperSubspace({ canFlag, spaces }: ClairResult): void {
  if (!canFlag) return;
  const sides = [...spaces.values()].flatMap(({ left, right }) => [left ?? [], right ?? []].flat());
  if (sides.some(({ rows, cols }) => cols < rows)) return;
  const rows = Math.max(...sides.map((space) => space.rows));
  if (rows === 1) {
    throw new UserError(
      "clair: on the side that is compared modules have a single row or column, and all changes one space: " +
        "set side to the other one, or choose another aggregator",
    );
  }
  throw new UserError(
    `clair: spaces of as many dimensions as the modules have rows (${rows}) hold every update, contaminated or not: ` +
      `set rank below ${rows}, or to auto`,
  );
}

/**
 * Computes how far each module of each client lies outside its shared space, to show which modules
 * make a client stand out. It is the tangent |QX|/|PX| in the module's own coordinates: infinite
 * completely outside, 0 for an unchanged module.
 * @returns tangents by module, by client id; clients that were not compared have none
 */
export async function moduleTangents({
  active,
  modules,
  spaces,
}: Pick<ClairResult, "active" | "modules" | "spaces">): Promise<Map<string, Map<string, number>>> {
  if (active.length === 0) return new Map();
  const bySpace = [...spaces.values()];
  const tangents = await modules.each((module, m) =>
    module.ask("tangents", item(bySpace, m), indicesOf(active)),
  );
  const of = (k: number) =>
    new Map(zip(modules.names, tangents).map(([name, t]) => [name, item(t, k)]));
  return new Map(active.map(({ id }, k) => [id, of(k)]));
}
