import { z } from "zod";
import type { Aggregation, Aggregator, AggregatorInput } from "../contracts/aggregator.js";
import { DenseSum } from "../tensors/dense-sum.js";
import type { Dense } from "../tensors/tensor.js";
import { UserError } from "../words/errors.js";
import { expectNamed } from "../words/did-you-mean.js";

const beta = z.number().min(0).lt(1);
const learningRate = z.number().positive();

const adaptive = {
  learningRate: learningRate.default(0.01).describe("Length of a step, about that of a number."),
  beta1: beta.default(0.9).describe("Share of the first moment that stays, in [0, 1)."),
  beta2: beta.default(0.99).describe("Share of the second moment that stays, in [0, 1)."),
  tau: z
    .number()
    .positive()
    .default(0.001)
    .describe("Degree of adaptivity: changes much smaller than this are not made larger."),
};

/** The key `serverOptimizer` of an arm: what the coordinator does with the aggregated change. */
export const serverOptimizerSchema = z.discriminatedUnion(
  "name",
  [
    z
      .strictObject({
        name: z.literal("fedavgm"),
        learningRate: learningRate.default(1).describe("Factor of the momentum in the change."),
        momentum: beta.default(0.9).describe("Share of the momentum that stays, in [0, 1)."),
      })
      .describe("The sum of all changes so far; older ones fade (Hsu et al.)."),
    z
      .strictObject({ name: z.literal("fedadam"), ...adaptive })
      .describe("Adam on the aggregated change (Reddi et al.)."),
    z
      .strictObject({ name: z.literal("fedyogi"), ...adaptive })
      .describe("Yogi on the aggregated change: its second moment falls slowly (Reddi et al.)."),
  ],
  { error: ({ input }) => expectNamed(input, ["fedavgm", "fedadam", "fedyogi"]) },
);

export type ServerOptimizer = z.output<typeof serverOptimizerSchema>;

/** The moments of one module, as long as the module. */
interface Moments {
  readonly first: Float64Array;
  /** Absent for fedavgm. */
  readonly second?: Float64Array;
}

interface OptimizerState {
  /** The state of the aggregator. */
  readonly aggregator: unknown;
  /** The moments and shapes of all modules that changed in a round so far. */
  readonly modules: ReadonlyMap<string, Moments & Pick<Dense, "shape">>;
}

/**
 * Wraps an aggregator so that an optimiser turns its change Δ of the shared params into the change
 * that is made. The moments are dense, in float64, and part of the aggregator's state. There is no
 * correction of the first rounds.
 *
 * - fedavgm (Hsu et al., arXiv 1909.06335): m ← β·m + Δ, change η·m.
 * - fedadam, fedyogi (Reddi et al., ICLR 2021, arXiv 2003.00295, algorithm 2): m ← β₁·m + (1 -
 *   β₁)·Δ, change η·m/(√v + τ). v starts at τ². Adam: v ← β₂·v + (1 - β₂)·Δ². Yogi: v ← v - (1 -
 *   β₂)·Δ²·sign(v - Δ²).
 */
export function withServerOptimizer(
  aggregator: Aggregator,
  optimizer: ServerOptimizer,
): Aggregator<OptimizerState> {
  return {
    ...(aggregator.changesPersonal !== undefined && {
      changesPersonal: aggregator.changesPersonal,
    }),
    checkClients: (ids, cohort) => aggregator.checkClients?.(ids, cohort),
    notice: (clients, cohort) => aggregator.notice?.(clients, cohort),
    aggregate: async (input, state) => optimize(aggregator, optimizer, input, state),
  };
}

async function optimize(
  aggregator: Aggregator,
  optimizer: ServerOptimizer,
  input: AggregatorInput,
  before?: OptimizerState,
): Promise<Aggregation<OptimizerState>> {
  const { state = before?.aggregator, ...aggregation } = await aggregator.aggregate(
    input,
    before?.aggregator,
  );
  if (aggregation.personal && aggregation.personal.size > 0) {
    throw new UserError(
      `serverOptimizer: ${optimizer.name} only acts on shared params, and the aggregator changed personal ones; leave it out`,
    );
  }
  const sum = new DenseSum();
  await sum.add(aggregation.change);
  const sums = sum.modules;
  const modules = new Map(before?.modules);
  const change = new Map<string, Dense>();
  for (const name of new Set([...modules.keys(), ...sums.keys()])) {
    const known = modules.get(name);
    const shape = known?.shape ?? sums.get(name)?.shape ?? [];
    const length = known?.first.length ?? sums.get(name)?.data.length ?? 0;
    // Without an aggregated change, the momentum goes on.
    const data = sums.get(name)?.data ?? new Float64Array(length);
    const moved = step(optimizer, data, known);
    modules.set(name, { ...moved.moments, shape });
    change.set(name, { shape, data: moved.change });
  }
  return { ...aggregation, change: [change], state: { aggregator: state, modules } };
}

/** Computes the change of one module and its next moments. @param delta Δ */
function step(
  optimizer: ServerOptimizer,
  delta: Float64Array,
  before: Moments | undefined,
): { readonly moments: Moments; readonly change: Float64Array } {
  const old = before?.first ?? new Float64Array(delta.length);
  if (optimizer.name === "fedavgm") {
    const { momentum, learningRate } = optimizer;
    const first = old.map((m, i) => momentum * m + (delta[i] ?? 0));
    return { moments: { first }, change: first.map((m) => learningRate * m) };
  }
  const { name, learningRate, beta1, beta2, tau } = optimizer;
  const first = old.map((m, i) => beta1 * m + (1 - beta1) * (delta[i] ?? 0));
  const oldSecond = before?.second ?? new Float64Array(delta.length).fill(tau ** 2);
  const second = oldSecond.map((v, i) => {
    const square = (delta[i] ?? 0) ** 2;
    if (name === "fedadam") return beta2 * v + (1 - beta2) * square;
    return v - (1 - beta2) * square * Math.sign(v - square);
  });
  const change = first.map((m, i) => (learningRate * m) / (Math.sqrt(second[i] ?? 0) + tau));
  return { moments: { first, second }, change };
}
