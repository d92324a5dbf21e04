import {
  invalidVerdict,
  isLowRank,
  readNumbers,
  shapesOf,
  UserError,
  zeros,
  type Aggregate,
  type Delta,
  type Dense,
  type LowRank,
  type Params,
  type Round,
  type Step,
  type Task,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import { drawTransformerAdapters, factorNames } from "./factors.js";
import { loraModules, width } from "./shape.js";

/**
 * The coordinator half with adapters that last: the params are the factors, clients answer with
 * their adapters, and the aggregator's result replaces the adapters of everyone or of each client.
 */
export function lastingCoordinator(rank: number): Pick<Task, "start" | "step"> {
  const modules = new Map(loraModules.map((name) => [name, zeros([width, width])]));
  return {
    start: ({ rng }) =>
      Promise.resolve({
        params: drawTransformerAdapters(rank, rng),
        ask: { phase: "train", expects: shapesOf(modules) },
      }),
    step: (round, aggregate) => replaceAdapters(rank, round, aggregate),
  };
}

/**
 * Only adapters of the task's rank are aggregated, so that a client that sends something else
 * cannot end the trial.
 * @throws UserError if the aggregator's result is no adapter of this rank
 */
async function replaceAdapters(
  rank: number,
  { params, updates }: Round,
  aggregate: Aggregate,
): Promise<Step> {
  const isOdd = ({ delta }: { delta: Delta }) =>
    [...delta.values()].some((change) => !isAdapter(change, rank));
  const odd = updates.filter(isOdd);
  const { change, personal, verdicts } = await aggregate(updates.filter((one) => !isOdd(one)));
  return {
    params: change.length > 0 ? toAdapters(change, rank) : params,
    personal: new Map([...(personal ?? [])].map(([id, terms]) => [id, toAdapters(terms, rank)])),
    ...(odd.length > 0 && {
      verdicts: [
        ...(verdicts ?? []),
        ...odd.map(({ clientId }) => {
          const reason = `it sent something else than adapters of rank ${rank}`;
          return { ...invalidVerdict(clientId), reason };
        }),
      ],
    }),
  };
}

function isAdapter(change: TensorDelta, rank: number): change is LowRank {
  return isLowRank(change) && change.b.shape[1] === rank;
}

/** @throws UserError if the terms of a module are not one adapter of this rank */
function toAdapters(terms: readonly Delta[], rank: number): Params {
  const factors = loraModules.flatMap((module): [string, Dense][] => {
    const [change, ...others] = terms.flatMap((term) => term.get(module) ?? []);
    if (change === undefined || others.length > 0 || !isAdapter(change, rank)) {
      throw new UserError(
        `adapters: lasting needs an aggregator that makes one adapter of rank ${rank} of the clients' adapters, ` +
          `and this one changes ${module} by ${describe(change, others.length)}: ` +
          "choose fedit, ffa-lora, fedsa-lora, krum or local, or adapters: fresh",
      );
    }
    const { b, a } = factorNames(module);
    return [
      [b, toFloat32(change.b)],
      [a, toFloat32(change.a)],
    ];
  });
  return new Map(factors);
}

function describe(change: TensorDelta | undefined, others: number): string {
  if (change === undefined) return "nothing";
  if (others > 0) return `a sum of ${others + 1} terms`;
  return isLowRank(change) ? `a product of rank ${change.b.shape[1] ?? 0}` : "a dense matrix";
}

function toFloat32(tensor: Tensor): Dense {
  return { shape: tensor.shape, data: Float32Array.from(readNumbers(tensor)) };
}
