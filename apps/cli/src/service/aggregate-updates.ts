import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { findCommonest, parseChoice, runAggregator } from "@fedclair/audit";
import { aggregators } from "@fedclair/plugins";
import {
  deltaShape,
  dtypeOf,
  invalidVerdict,
  tensorsOf,
  UserError,
  type Delta,
  type Dense,
  type Metrics,
  type Shapes,
  type Tensor,
  type TensorDelta,
  type Update,
  type Verdict,
} from "@fedclair/core";
import {
  admitUpdate,
  createPlugin,
  safetensorsPieces,
  viewSafetensors,
} from "@fedclair/core/internal";
import { stream } from "@fedclair/linalg";
import { readState, writeState } from "@fedclair/runs";
import { z } from "zod";

/** The modules of a change, in order, each with the names of its tensors: one, or b and a. */
const deltaSchema = z.array(
  z.tuple([z.string(), z.union([z.tuple([z.string()]), z.tuple([z.string(), z.string()])])]),
);

/** A request for one server step on the updates of a round. */
export const aggregateRequest = z.strictObject({
  call: z.literal("aggregate"),
  aggregator: z.string(),
  /** Options of the aggregator as `option=value`. */
  set: z.array(z.string()),
  seed: z.int(),
  updates: z.array(
    z.strictObject({
      clientId: z.string(),
      numExamples: z.int().min(1),
      /** Safetensors file with the tensors of the change. */
      file: z.string(),
      delta: deltaSchema,
    }),
  ),
  /** File with the state of the step before; null in the first round. */
  state: z.string().nullable(),
  /** Safetensors file for the tensors of the result. */
  out: z.string(),
  /** File for the new state. */
  newState: z.string(),
});

/** Modules with the names of their tensors in a file. */
type NamedDelta = readonly (readonly [module: string, tensors: readonly string[]])[];

/** The result of a server step. Changes are sums of terms. */
interface StepResult {
  readonly round: number;
  readonly change: readonly NamedDelta[];
  readonly personal: readonly (readonly [clientId: string, terms: readonly NamedDelta[]])[];
  readonly verdicts: readonly Verdict[];
  readonly metrics: Metrics;
  readonly cleared: readonly string[];
}

const stateSchema = z.strictObject({
  aggregator: z.string(),
  round: z.int().min(1),
  state: z.unknown(),
});

/**
 * Aggregates the updates of a round as a trial would. An update with other modules or shapes than
 * most, or with numbers that are not finite, gets the verdict `invalid` and is left out.
 * @throws UserError for an unknown aggregator or option, a state of another aggregator, or if no
 * update can be used
 */
export async function aggregateUpdates(
  request: z.output<typeof aggregateRequest>,
): Promise<StepResult> {
  const { set, seed } = request;
  const choice = parseChoice({ aggregator: request.aggregator, set, defaults: "" }, aggregators);
  const aggregator = createPlugin(aggregators, choice);
  const before = await readBefore(request.state, choice.name);
  const { updates, refused } = readUpdates(request.updates);
  const ids = updates.map(({ clientId }) => clientId);
  aggregator.checkClients?.(ids, ids.length);
  const round = before.round + 1;
  const rng = stream(seed).at("aggregate", "train", round);
  const input = { round, phase: "train", updates, rng };
  const found = await runAggregator(choice.name, aggregator, input, before.state);
  const file = new TensorFile();
  const change = found.change.map((term) => file.add(term));
  const personal = [...(found.personal ?? [])].map(
    ([id, terms]) => [id, terms.map((term) => file.add(term))] as const,
  );
  await writeFile(request.out, safetensorsPieces(file.tensors));
  const state = found.state ?? before.state;
  await writeState(request.newState, { aggregator: choice.name, round, state });
  const { verdicts = [], metrics = {}, cleared = [] } = found;
  return { round, change, personal, verdicts: [...verdicts, ...refused], metrics, cleared };
}

async function readBefore(
  file: string | null,
  aggregator: string,
): Promise<{ readonly round: number; readonly state?: unknown }> {
  if (file === null) return { round: 0 };
  const before = stateSchema.parse(await readState(file));
  if (before.aggregator === aggregator) return before;
  throw new UserError(
    `the state belongs to aggregator '${before.aggregator}', not '${aggregator}': pass a state that this aggregator returned, or none`,
  );
}

function readUpdates(sent: z.output<typeof aggregateRequest>["updates"]): {
  readonly updates: readonly Update[];
  readonly refused: readonly Verdict[];
} {
  const read: Update[] = [];
  for (const { file, clientId, numExamples, delta } of sent) {
    // In memory, reading at once takes two thirds of the time of reading in the background.
    const { params } = viewSafetensors(readFileSync(file));
    read.push({ clientId, numExamples, delta: toDelta(delta, params), metrics: {} });
  }
  const shapes = read.map(({ delta }) => shapesOfDelta(delta));
  const expected = findCommonest(shapes, formatShapes) ?? new Map<string, never>();
  const updates: Update[] = [];
  const refused: Verdict[] = [];
  let why = "there is none";
  for (const update of read) {
    const failure = admitUpdate(update, expected);
    if (failure === undefined) updates.push(update);
    else {
      why = `${update.clientId}: ${failure.message}`;
      refused.push({ ...invalidVerdict(update.clientId), reason: failure.message });
    }
  }
  if (updates.length > 0) return { updates, refused };
  throw new UserError(`expected at least one update that can be aggregated; ${why}`);
}

function toDelta(delta: NamedDelta, params: ReadonlyMap<string, Dense>): Delta {
  const find = (name: string) => {
    const tensor = params.get(name);
    if (tensor === undefined) throw new Error(`the file has no tensor ${name}`);
    return tensor;
  };
  const modules = delta.map(([module, [first = "", second]]): [string, TensorDelta] => [
    module,
    second === undefined ? find(first) : { b: find(first), a: find(second) },
  ]);
  return new Map(modules);
}

function shapesOfDelta(delta: Delta): Shapes {
  const specs = [...delta].map(([name, change]) => {
    const [tensor] = tensorsOf(change);
    const dtype = tensor === undefined ? "f32" : dtypeOf(tensor);
    return [name, { shape: deltaShape(change), dtype }] as const;
  });
  return new Map(specs);
}

/** Writes modules and shapes so that updates which can be added up have the same text. */
function formatShapes(shapes: Shapes): string {
  return JSON.stringify([...shapes].map(([name, { shape }]) => [name, shape]).sort());
}

/** Tensors for a file, each once, however many terms share it. */
class TensorFile {
  readonly tensors = new Map<string, Tensor>();
  readonly #names = new Map<Tensor, string>();

  add(term: Delta): NamedDelta {
    return [...term].map(([module, change]) => [
      module,
      tensorsOf(change).map((tensor) => this.#nameOf(tensor)),
    ]);
  }

  #nameOf(tensor: Tensor): string {
    const name = this.#names.get(tensor) ?? String(this.#names.size);
    this.#names.set(tensor, name);
    this.tensors.set(name, tensor);
    return name;
  }
}
