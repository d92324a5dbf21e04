import type { Failure } from "./errors.js";
import { dtypeOf, shapeText, sizeOf, type DType, type Params, type Tensor } from "./tensor.js";
import { isLowRank, deltaShape, tensorsOf, type Update } from "./update.js";

/** What a module of an update must look like. */
export interface Expected {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** By module. */
export type Shapes = ReadonlyMap<string, Expected>;

export function shapesOf(params: Params): Shapes {
  return new Map(
    [...params].map(([name, tensor]) => [name, { shape: tensor.shape, dtype: dtypeOf(tensor) }]),
  );
}

/** The check that every update passes before it may be aggregated: modules, shapes, finite numbers. */
export function admitUpdate(update: Update, expected: Shapes): Failure | undefined {
  return checkModules(update, expected) ?? checkNumbers(update);
}

/** The check of an evaluation's answer: measurements only. */
export function admitEvaluation(update: Update): Failure | undefined {
  return checkModules(update, new Map()) ?? checkNumbers(update);
}

function checkModules({ delta }: Update, expected: Shapes): Failure | undefined {
  const names = [...delta.keys()];
  if (names.length !== expected.size || names.some((name) => !expected.has(name))) {
    const message = `expected modules [${[...expected.keys()].join(", ")}], got [${names.join(", ")}]`;
    return { code: "WRONG_MODULES", message };
  }
  for (const [name, update] of delta) {
    const wanted = expected.get(name)?.shape ?? [];
    const got = deltaShape(update);
    if (shapeText(got) !== shapeText(wanted)) {
      const message = `module ${name}: expected ${shapeText(wanted)}, got ${shapeText(got)}`;
      return { code: "WRONG_SHAPE", message };
    }
    if (isLowRank(update)) {
      const { a, b } = update;
      if (a.shape.length !== 2 || b.shape.length !== 2 || b.shape[1] !== a.shape[0]) {
        const message = `module ${name}: factors ${shapeText(b.shape)} and ${shapeText(a.shape)} do not multiply`;
        return { code: "WRONG_SHAPE", message };
      }
    }
    for (const { shape, data } of tensorsOf(update)) {
      if (data.length !== sizeOf(shape)) {
        const message = `module ${name}: ${data.length} numbers for a tensor of ${shapeText(shape)}`;
        return { code: "WRONG_SHAPE", message };
      }
    }
  }
  return undefined;
}

function checkNumbers({ delta, metrics, numExamples }: Update): Failure | undefined {
  if (!Number.isSafeInteger(numExamples) || numExamples < 1) {
    return {
      code: "MALFORMED",
      message: `numExamples: expected an integer ≥ 1, got ${numExamples}`,
    };
  }
  for (const [name, update] of delta) {
    for (const tensor of tensorsOf(update)) {
      const at = firstBeyond(tensor);
      if (at >= 0) {
        const message = `module ${name}: entry ${at} is ${tensor.data[at]}, expected at most ${largestEntry} in size`;
        return { code: "NON_FINITE", message };
      }
    }
  }
  for (const [name, value] of Object.entries(metrics)) {
    if (!Number.isFinite(value))
      return { code: "NON_FINITE", message: `metric ${name} is ${value}` };
  }
  return undefined;
}

/** Products of factors, squared and summed, still are numbers: no aggregator need fear an overflow. */
const largestEntry = 1e50;

/** The first entry that is too large or no number at all, else -1. */
function firstBeyond({ data }: Tensor): number {
  for (let i = 0; i < data.length; i++) {
    if (!(Math.abs(data[i] ?? NaN) <= largestEntry)) return i;
  }
  return -1;
}
