import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { aggregate, stepStateSchema } from "@fedclair/audit";
import {
  tensorsOf,
  type Delta,
  type Dense,
  type Metrics,
  type Tensor,
  type TensorDelta,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { safetensorsPieces, viewSafetensors } from "@fedclair/core/internal";
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

type SentUpdate = z.output<typeof aggregateRequest>["updates"][number];

/** Modules with the names of their tensors in a file. */
type NamedDelta = readonly (readonly [module: string, tensors: readonly string[]])[];

/** The result of a server step. Changes are sums of terms. */
interface ServiceResult {
  readonly round: number;
  readonly change: readonly NamedDelta[];
  readonly personal: readonly (readonly [clientId: string, terms: readonly NamedDelta[]])[];
  readonly verdicts: readonly Verdict[];
  readonly metrics: Metrics;
  readonly cleared: readonly string[];
  /** What the aggregator tells about the updates. */
  readonly notice: string | null;
}

/**
 * Aggregates the updates of a round as a trial would. An update with other modules or shapes than
 * most, or with numbers that are not finite, gets the verdict `invalid` and is left out.
 * @throws UserError for an unknown aggregator or option, a state of another aggregator, or if no
 * update can be used
 */
export async function aggregateUpdates({
  aggregator,
  set,
  seed,
  ...request
}: z.output<typeof aggregateRequest>): Promise<ServiceResult> {
  const before =
    request.state === null ? undefined : stepStateSchema.parse(await readState(request.state));
  const {
    aggregation,
    state,
    verdicts,
    notice = null,
  } = await aggregate(request.updates.map(readUpdate), {
    aggregator,
    set,
    seed,
    state: before,
  });
  const file = new TensorFile();
  const change = aggregation.change.map((term) => file.add(term));
  const personal = [...(aggregation.personal ?? [])].map(
    ([id, terms]) => [id, terms.map((term) => file.add(term))] as const,
  );
  await writeFile(request.out, safetensorsPieces(file.tensors));
  await writeState(request.newState, state);
  const { metrics = {}, cleared = [] } = aggregation;
  return { round: state.round, change, personal, verdicts, metrics, cleared, notice };
}

function readUpdate({ file, clientId, numExamples, delta }: SentUpdate): Update {
  // In memory, reading at once takes two thirds of the time of reading in the background.
  const { params } = viewSafetensors(readFileSync(file));
  return { clientId, numExamples, delta: toDelta(delta, params), metrics: {} };
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
