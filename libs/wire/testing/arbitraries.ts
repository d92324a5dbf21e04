import type { Delta, TensorDelta, Params, Tensor, Update } from "@fedclair/core";
import { type Dense, sizeOf, toBfloat16, toInt8 } from "@fedclair/core";
import { isName } from "@fedclair/core/internal";
import fc from "fast-check";
import { fedclair } from "#gen/fedclair.js";
import { tensorToWire } from "../src/codec/tensors.js";
import type { CoordinatorMessage } from "../src/codec/coordinator-message.js";

/** A record with the usual prototype, like decoded ones. */
export function plain<T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return fc.record<T>(model, { noNullPrototype: true });
}

/**
 * Numbers in which zero, negative zero, the smallest denormals of both types, infinities and NaN
 * are frequent.
 */
const number = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, 5e-324, -5e-324, 1e-45, Infinity, -Infinity, NaN),
);

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });

const double: fc.Arbitrary<Dense> = shape.chain((extents) => {
  const size = sizeOf(extents);
  return fc
    .array(number, { minLength: size, maxLength: size })
    .map((x) => ({ shape: extents, data: Float64Array.from(x) }));
});

const single = double.map(({ shape, data }) => ({ shape, data: Float32Array.from(data) }));

const dense: fc.Arbitrary<Dense> = fc.oneof(single, double);

export const tensor: fc.Arbitrary<Tensor> = fc.oneof(
  dense,
  double.map(toBfloat16),
  double.map((tensor) => toInt8(tensor, () => 0.5)),
);

const name = fc.string({ unit: "grapheme" }).filter(isName);

function mapWithNames<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Map<string, T>> {
  const entry = fc.tuple(name, value);
  return fc
    .uniqueArray(entry, { selector: ([name]) => name, maxLength: 4 })
    .map((entries) => new Map(entries));
}

export const params: fc.Arbitrary<Params> = mapWithNames(dense);

const change: fc.Arbitrary<TensorDelta> = fc.oneof(tensor, plain({ b: tensor, a: tensor }));
export const delta: fc.Arbitrary<Delta> = mapWithNames(change);

/** Terms added to a base: one list per round. */
export const rounds: fc.Arbitrary<Delta[][]> = fc.array(fc.array(delta, { maxLength: 3 }), {
  maxLength: 3,
});

const job = {
  type: fc.constant("clientJob"),
  id: fc.nat(),
  clientId: name,
  round: fc.nat(),
  phase: name,
  clientIndex: fc.nat(),
  clientCount: fc.nat(),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  commonSeed: fc.nat(),
  baseId: fc.nat(),
  rounds,
} as const;

export const coordinatorMessage: fc.Arbitrary<CoordinatorMessage> = fc.oneof(
  plain({ type: fc.constant("base"), id: fc.nat(), params }),
  plain({
    type: fc.constant("derivedBase"),
    id: fc.nat(),
    from: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    terms: fc.array(delta),
  }),
  plain({ type: fc.constant("forgetBase"), id: fc.nat() }),
  plain({ ...job, kind: fc.constantFrom("train", "evaluate", "initial") }),
  plain({
    ...job,
    kind: fc.constant("choose"),
    candidates: plain({ own: fc.array(delta), mean: fc.array(delta), refined: fc.array(delta) }),
  }),
  plain({ type: fc.constant("jobEnd"), id: fc.nat() }),
  plain({ type: fc.constant("trialEnd"), reason: fc.string(), exitCode: fc.nat({ max: 2 ** 31 }) }),
);

export const update: fc.Arbitrary<Update> = plain({
  clientId: name,
  numExamples: fc.nat(),
  delta,
  metrics: mapWithNames(number).map((metrics) => Object.fromEntries(metrics)),
});

const { DType } = fedclair.v1;

/** Text as an attacker might choose it. */
const hostileText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom("c0", "w", "loss", "a\nb", "\x1b[2J", "\u202e", '"\\', "__proto__"),
  fc.integer({ min: 100, max: 3000 }).map((length) => "\n".repeat(length)),
  fc.integer({ min: 120, max: 3000 }).map((length) => "東".repeat(length)),
);

/** Lists as long as an attacker might send them. */
function hostileList<T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  const numbered = fc.tuple(item, fc.integer({ min: 200, max: 400 }));
  const many = numbered.map(([value, count]) =>
    Array.from({ length: count }, (_, i): T => ({ ...value, name: `n${i}` })),
  );
  return fc.oneof(fc.constant<T[]>([]), fc.array(item, { maxLength: 3 }), many);
}

const hostileTensor = fc.oneof(
  tensor.map(tensorToWire),
  plain({
    shape: fc.array(fc.nat({ max: 9 }), { maxLength: 300 }),
    dtype: fc.constantFrom(0, DType.F32, DType.F64, DType.BF16, DType.INT8, 5),
    data: fc.uint8Array({ maxLength: 40 }),
    scales: fc.uint8Array({ maxLength: 12 }),
  }),
);

/** An encoded message with every field as an attacker might fill it. */
export const hostileMessage: fc.Arbitrary<Uint8Array> = fc
  .oneof(
    plain({
      join: plain({
        capacity: fc.nat(),
        backends: fc.array(hostileText),
        softwareVersion: hostileText,
        external: fc.boolean(),
        instance: hostileText,
        contaminations: fc.array(hostileText, { maxLength: 3 }),
        plugins: fc.array(plain({ kind: hostileText, name: hostileText, hash: hostileText })),
      }),
    }),
    plain({
      clientFailed: plain({
        jobId: fc.nat(),
        clientId: hostileText,
        failure: plain({ code: fc.nat({ max: 20 }), message: hostileText }),
      }),
    }),
    plain({
      clientUpdate: plain({
        jobId: fc.nat(),
        clientId: hostileText,
        numExamples: fc.nat(),
        delta: plain({ modules: hostileList(plain({ name: hostileText, dense: hostileTensor })) }),
        metrics: hostileList(plain({ name: hostileText, value: number })),
      }),
    }),
  )
  .map((message) => fedclair.v1.HostMessage.encode(message).finish());

/** A valid message with one byte changed, cut off somewhere, or both. */
export function damage(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(
      fc.nat({ max: bytes.length }),
      fc.nat({ max: bytes.length }),
      fc.integer({ min: 0, max: 255 }),
    )
    .map(([length, at, mask]) => {
      const copy = bytes.slice(0, length);
      if (at < length) copy[at] = (copy[at] ?? 0) ^ mask;
      return copy;
    });
}
