import { admitUpdate, shapesOf, type Shapes } from "../tensors/admission.js";
import {
  termBytes,
  extendParams,
  isSurelyFinite,
  keepInMemory,
  resolveTo,
  type ClientParams,
  type Keep,
  type KeeperFor,
} from "../tensors/client-params.js";
import { CommonBases } from "../tensors/common-bases.js";
import type { Aggregation } from "../contracts/aggregator.js";
import type { Admit, Derivation } from "../contracts/pool.js";
import type { Ask, Start, StartContext, Step, Task } from "../contracts/task.js";
import { errorMessage, errorLocation, UserError, type Failure } from "../words/errors.js";
import type { Initial, Origin } from "./ask-for-params.js";
import type { ControlVariates } from "./control-variates.js";
import type { ModStates } from "./server-mods.js";
import { sum, type Stream } from "@fedclair/linalg";
import { addTerms, Products } from "../tensors/merge.js";
import { checkStorable } from "../contracts/storable.js";
import {
  maxAbs,
  payloadBytes,
  readNumbers,
  shapeText,
  sizeOf,
  type Dense,
  type Params,
  type StoredParams,
  type Tensor,
} from "../tensors/tensor.js";
import { deltaBytes, type Delta, type Update } from "../tensors/update.js";

/** The states of omniscient attacks, by `Contaminated.key`. */
export type AttackStates = ReadonlyMap<string, unknown>;

/**
 * Everything that the next round depends on in addition to the trial itself. It survives
 * `v8.serialize`.
 */
export interface TrialState {
  /** The number of finished rounds. */
  readonly round: number;
  /** The shared params. */
  readonly params: Params;
  /**
   * The personal params of clients that have them, by client id. With a personal method they are
   * the client's own params, beside the shared ones; otherwise they take the place of these.
   */
  readonly personal: ReadonlyMap<string, ClientParams>;
  /** The request of the next round; `end` if there is none. */
  readonly ask: Ask | "end";
  readonly task: unknown;
  readonly aggregator: unknown;
  readonly attacks: AttackStates;
  readonly mods: ModStates;
  /** SCAFFOLD's control variates; absent in other arms, and before the first round. */
  readonly controls?: ControlVariates;
  /** The shapes of a client's own params, in an arm with a personal method. */
  readonly own?: Shapes;
  /** Simulated seconds since the trial began; absent without `devices`. */
  readonly clock?: number;
  /** Answers that have not arrived yet in simulated time, the first to arrive first. */
  readonly pending?: readonly Pending[];
  /** The origin of params that a client was asked for; only before the first round. */
  readonly origin?: Origin;
}

/** An answer in simulated time. */
export interface Pending {
  readonly clientId: string;
  /** The round that asked the client. */
  readonly round: number;
  /** Seconds from the request to the answer. */
  readonly seconds: number;
  /** The time of arrival, in seconds since the trial began. */
  readonly arrives: number;
  readonly update?: Update;
  /** The reason why there is no update. */
  readonly failure?: Failure;
}

/** How a trial asks its clients before round 1. */
export interface AskClients {
  /** Fetches the params from a client, for tasks that do not know them. */
  readonly askForParams?: () => Promise<Initial>;
  readonly survey?: NonNullable<StartContext["survey"]>;
}

/**
 * Returns the state before the first round.
 * @throws UserError if the task's `start` fails or returns something else than its contract says
 */
export async function startTrial(
  task: Pick<Task, "start">,
  clientIds: readonly string[],
  rng: Stream,
  { askForParams, survey }: AskClients = {},
): Promise<TrialState> {
  const context = { clientIds, rng: rng.at("init"), ...(survey && { survey }) };
  const { params, ask = { phase: "train" }, state } = await callStart(task, context);
  if (params === "client" && !askForParams)
    throw new Error("the task's params are a client's: there is none");
  const initial = params === "client" ? await askForParams?.() : { params };
  return {
    round: 0,
    params: initial?.params ?? new Map(),
    personal: new Map(),
    ask,
    ...(initial && "origin" in initial && { origin: initial.origin }),
    task: state,
    aggregator: undefined,
    attacks: new Map(),
    mods: new Map(),
  };
}

async function callStart(task: Pick<Task, "start">, context: StartContext): Promise<Start> {
  let start: unknown;
  try {
    start = await task.start(context);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`the task cannot start: ${errorMessage(error)}${errorLocation(error)}`);
  }
  const { params, state } = (start ?? {}) as Partial<Start>;
  checkStorable("the task's state", state);
  if (params === "client") return start as Start;
  if (!(params instanceof Map))
    throw new UserError("the task's start: expected { params }, a Map of tensors by module");
  // Otherwise the clients that start from these params would be blamed.
  const fault = findMisfit(params) ?? findNonFinite(params);
  if (fault !== undefined) throw new UserError(`the task's start: params: ${fault}`);
  return start as Start;
}

/** Describes the first value that is not a valid tensor; undefined if all are. */
function findMisfit(params: ReadonlyMap<string, unknown>): string | undefined {
  for (const [name, tensor] of params) {
    const { shape, data } = (tensor as Partial<Dense> | undefined) ?? {};
    const isNumbers = data instanceof Float32Array || data instanceof Float64Array;
    if (!Array.isArray(shape) || !isNumbers)
      return `module ${name}: expected { shape, data }, data a Float32Array or Float64Array`;
    if (data.length !== sizeOf(shape))
      return `module ${name}: ${data.length} numbers for a tensor of ${shapeText(shape)}`;
  }
  return undefined;
}

/** Returns the params that a client starts from. */
export function clientStart({ params, personal, own }: TrialState, clientId: string): ClientParams {
  return (own ? undefined : personal.get(clientId)) ?? { base: params, rounds: [] };
}

/**
 * Returns the number of bytes that a client is sent for training: all params, or for personal
 * params only the terms that were added; and as many again with control variates.
 */
export function broadcastBytes(
  { scaffold }: { readonly scaffold?: boolean },
  state: TrialState,
  clientId: string,
): number {
  const params = clientStart(state, clientId);
  if (params.rounds.length > 0) return termBytes(params);
  return (scaffold ? 2 : 1) * payloadBytes(params.base.values());
}

/** Returns the modules and shapes that the answers of a round must have. */
export function expectedShapes({ params, ask }: Pick<TrialState, "params" | "ask">): Shapes {
  return (ask === "end" ? undefined : ask.expects) ?? shapesOf(params);
}

/** Creates the check of the updates that a round admits. @param state the state before the round */
export function admitFor(state: Pick<TrialState, "params" | "ask">): Admit {
  const expected = expectedShapes(state);
  return (update) => admitUpdate(update, expected);
}

/**
 * The params after a round. `kept` explains why some of them did not change: params that are not
 * finite never become part of the state.
 */
export interface Merged extends Pick<TrialState, "params" | "personal"> {
  /** Why a part of the params was left as it was. */
  readonly kept?: string;
  /** How the shared params follow from those of the round before, where that is fewer bytes. */
  readonly derivation?: Derivation;
}

/** Returns undefined if the terms take as many bytes as the params. */
function deriveFrom(params: Params, terms: readonly Delta[]): Derivation | undefined {
  const isSmaller = sum(terms.map(deltaBytes)) < payloadBytes(params.values());
  return isSmaller ? { from: new WeakRef(params), terms } : undefined;
}

/**
 * Computes the params after a round: those that the task chose, or the old ones plus the
 * aggregation.
 * @param foldsShared whether terms that clients share are added to a common base, so that with a
 * large model each client stores only its own part
 * @param keeperFor where new bases stay; default: in memory
 */
export async function merge(
  state: TrialState,
  aggregation: Aggregation,
  { params: chosen, personal: own }: Pick<Step, "params" | "personal">,
  foldsShared = false,
  keeperFor: KeeperFor = () => keepInMemory,
): Promise<Merged> {
  const personal = new Map(state.personal);
  const keep = keeperFor(countBytesInMemory(personal));
  let kept: string | undefined;
  const isFinite = (by: "aggregator" | "task", whose: string, params: StoredParams) => {
    const fault = findNonFinite(params);
    if (fault !== undefined) kept ??= `the new params of the ${by}${whose}: ${fault}`;
    return fault === undefined;
  };
  for (const [id, params] of own ?? []) {
    if (isFinite("task", ` for client ${id}`, params))
      personal.set(id, { base: await keepParams(params, keep), rounds: [] });
  }
  const changes =
    (chosen ? undefined : aggregation.personal) ?? new Map<string, readonly Delta[]>();
  const earlier = [...changes.keys()].flatMap((id) => clientStart(state, id).rounds.flat());
  const products = new Products([...changes.values(), aggregation.change, earlier].flat());
  const common = foldsShared
    ? new CommonBases(changes, (id) => clientStart(state, id), products, keep)
    : undefined;
  for (const [id, terms] of changes) {
    const before = clientStart(state, id);
    const extended = common
      ? await common.extend(before, terms)
      : await extendParams(before, terms, products, keep);
    // Multiply out only if the result could overflow: with a large model, the adapters of every
    // client never become p×q matrices.
    const isSafe = isSurelyFinite(extended);
    if (
      isSafe ||
      isFinite("aggregator", ` for client ${id}`, await resolveTo(keep, extended, products))
    )
      personal.set(id, extended);
  }
  const params = chosen ?? (await addTerms(state.params, aggregation.change, products));
  const isKept = !isFinite(chosen ? "task" : "aggregator", "", params);
  const derivation = chosen || isKept ? undefined : deriveFrom(state.params, aggregation.change);
  return {
    params: isKept ? state.params : params,
    personal,
    ...(kept !== undefined && { kept }),
    ...(derivation && { derivation }),
  };
}

/** Counts the bytes of the clients' own bases that are in memory. */
function countBytesInMemory(personal: TrialState["personal"]): number {
  const bases = new Set([...personal.values()].map(({ base }) => base));
  const tensors = [...bases].flatMap((base) => [...base.values()]);
  return payloadBytes(new Set(tensors.filter((tensor) => "data" in tensor)));
}

/** Puts params where they are to stay. */
export async function keepParams(params: StoredParams, keep: Keep): Promise<StoredParams> {
  const kept = new Map<string, Tensor>();
  for (const [name, tensor] of params)
    kept.set(name, "data" in tensor ? await keep(tensor) : tensor);
  return kept;
}

/** Puts the clients' bases of a state that was read from a disk where `merge` would have. */
export async function keepBases(state: TrialState, keeperFor: KeeperFor): Promise<TrialState> {
  const keep = keeperFor(0);
  const kept = new Map([[state.params as StoredParams, state.params as StoredParams]]);
  const personal = new Map<string, ClientParams>();
  for (const [id, { base, rounds }] of state.personal) {
    const known = kept.get(base) ?? (await keepParams(base, keep));
    kept.set(base, known);
    personal.set(id, { base: known, rounds });
  }
  return { ...state, personal };
}

/** Describes the first entry that is not finite; undefined if all are. */
function findNonFinite(params: StoredParams): string | undefined {
  for (const [name, tensor] of params) {
    const data = readNumbers(tensor);
    if (Number.isFinite(maxAbs(data))) continue; // seven times as fast as the search
    const at = data.findIndex((x: number) => !Number.isFinite(x));
    if (at >= 0) return `module ${name}, entry ${at} is ${data[at] ?? NaN}`;
  }
  return undefined;
}
