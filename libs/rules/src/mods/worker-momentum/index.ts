import {
  deltaShape,
  dtypeOf,
  tensorsOf,
  toFloat64,
  yieldToEventLoop,
  type Dense,
  type Mod,
  type Plugin,
  type TensorDelta,
  type Update,
} from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { z } from "zod";

const schema = z.strictObject({
  beta: z
    .number()
    .min(0)
    .lt(1)
    .default(0.9)
    .describe("Share of a client's momentum that stays in each of its rounds, in [0, 1)."),
});

/** The momentum of each client, by client id and module. */
type State = ReadonlyMap<string, ReadonlyMap<string, Dense>>;

/**
 * Worker momentum (Karimireddy, He, Jaggi, ICML 2021, arXiv 2012.10333): instead of its change g_i
 * a client sends m_i ← β·m_i + (1 - β)·g_i, which starts at its first change. Averaging over rounds
 * makes honest clients more alike, so that robust rules tell attackers apart.
 *
 * The coordinator computes m_i, because clients keep nothing between rounds. It sees the same
 * numbers that an honest client would have sent. The momentum is dense, in the dtype of the update;
 * low-rank pairs are multiplied out.
 */
export const workerMomentum: Plugin<Mod> = {
  name: "worker-momentum",
  summary: "Replaces every client's change by the moving average of its changes; dense.",
  schema,
  create: ({ beta }: z.infer<typeof schema>): Mod<State> => ({
    server: async ({ updates }, before = new Map()) => {
      const state = new Map(before);
      const averaged: Update[] = [];
      for (const { clientId, numExamples, delta, metrics } of updates) {
        const old = before.get(clientId);
        const momentum = new Map<string, Dense>();
        for (const [name, change] of delta) {
          momentum.set(name, average(multiplyOut(change), old?.get(name), beta));
        }
        state.set(clientId, momentum);
        averaged.push({ clientId, numExamples, delta: momentum, metrics });
        await yieldToEventLoop();
      }
      return { updates: averaged, state };
    },
  }),
};

/** Computes β·old + (1 - β)·change in the dtype of the change; the change itself without `old`. */
function average(change: Dense, old: Dense | undefined, beta: number): Dense {
  if (!old) return change;
  const data = change.data.map((x, i) => beta * item(old.data, i) + (1 - beta) * x);
  return { shape: change.shape, data };
}

/** Returns a copy of a change as a dense tensor of the module's shape. */
function multiplyOut(change: TensorDelta): Dense {
  const isSingle = tensorsOf(change).every((tensor) => dtypeOf(tensor) === "f32");
  const data = toFloat64(change);
  return { shape: deltaShape(change), data: isSingle ? Float32Array.from(data) : data };
}
