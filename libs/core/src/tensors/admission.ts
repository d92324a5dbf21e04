import { failure, type Failure } from "../words/errors.js";
import {
  countNumbers,
  dtypeOf,
  maxAbs,
  readNumbers,
  shapeText,
  sizeOf,
  type DType,
  type Params,
} from "./tensor.js";
import { bounds, isName, printable } from "../words/text.js";
import { deltaShape, isLowRank, tensorsOf, type Update } from "./update.js";

/** The tensor that a module's change is added to, or stands for. */
export interface TensorSpec {
  readonly shape: readonly number[];
  /** Says how large the numbers may be. A client may send them in either type. */
  readonly dtype: DType;
  /** Must it come as one tensor, as statistics do? Default: it may come as low-rank factors too. */
  readonly isDense?: boolean;
}

/** What an update must bring, by module. */
export type Shapes = ReadonlyMap<string, TensorSpec>;

/** The shapes of an update that changes all of the params. */
export function shapesOf(params: Params): Shapes {
  return new Map([...params].map(([name, t]) => [name, { shape: t.shape, dtype: dtypeOf(t) }]));
}

/**
 * Checks an update before it may be aggregated: names, modules, shapes, and finite numbers in
 * range.
 * @returns why it is refused; undefined if it is admitted
 */
export function admitUpdate(update: Update, expected: Shapes): Failure | undefined {
  const { delta, metrics, numExamples } = update;
  return (
    checkNames("module", [...delta.keys()]) ??
    checkNames("metric", Object.keys(metrics)) ??
    checkModules(update, expected) ??
    checkCount(numExamples) ??
    checkEntries(update, expected) ??
    checkMetrics(update)
  );
}

/** The check of an evaluation's answer: measurements only. */
export function admitEvaluation(update: Update): Failure | undefined {
  return admitUpdate(update, new Map());
}

/** The check of the names in an update, which a decoder makes before it does anything with them. */
export function checkNames(
  what: "module" | "metric",
  names: readonly string[],
): Failure | undefined {
  if (what === "metric" && names.length > bounds.metrics) {
    return failure("MALFORMED", `${names.length} metrics: at most ${bounds.metrics} are allowed`);
  }
  const bad = names.find((name) => !isName(name));
  if (bad === undefined) return undefined;
  const wanted = `expected a name of at most ${bounds.nameLength} printable characters`;
  return failure("MALFORMED", `${what} '${printable(bad, 80)}': ${wanted}`);
}

function checkModules({ delta }: Update, expected: Shapes): Failure | undefined {
  const missing = [...expected.keys()].filter((name) => !delta.has(name));
  if (missing.length > 0) return failure("WRONG_MODULES", `modules ${listOf(missing)} are missing`);
  const extra = [...delta.keys()].filter((name) => !expected.has(name));
  if (extra.length > 0) {
    const message = `modules ${listOf(extra)}: expected only ${listOf([...expected.keys()])}`;
    return failure("WRONG_MODULES", message);
  }
  for (const [name, change] of delta) {
    const { shape: wanted = [], isDense = false } = expected.get(name) ?? {};
    if (isDense && isLowRank(change)) {
      return failure("WRONG_SHAPE", `module ${name}: expected one tensor, got low-rank factors`);
    }
    const got = deltaShape(change);
    if (shapeText(got) !== shapeText(wanted)) {
      const message = `module ${name}: expected ${shapeText(wanted)}, got ${shapeText(got)}`;
      return failure("WRONG_SHAPE", message);
    }
    if (isLowRank(change)) {
      const { a, b } = change;
      if (a.shape.length !== 2 || b.shape.length !== 2 || b.shape[1] !== a.shape[0]) {
        const message = `module ${name}: factors ${shapeText(b.shape)} and ${shapeText(a.shape)} do not multiply`;
        return failure("WRONG_SHAPE", message);
      }
      const [rank = 0] = a.shape;
      const largest = Math.max(freeRank, Math.min(...wanted));
      if (rank > largest) {
        const message = `module ${name}: factors of rank ${rank}, expected at most ${largest}`;
        return failure("WRONG_SHAPE", message);
      }
    }
    for (const tensor of tensorsOf(change)) {
      const count = countNumbers(tensor);
      if (count !== sizeOf(tensor.shape)) {
        const message = `module ${name}: ${count} numbers for a tensor of ${shapeText(tensor.shape)}`;
        return failure("WRONG_SHAPE", message);
      }
    }
  }
  return undefined;
}

/**
 * The rank that two factors may have in any module. A higher one is allowed as far as it can say
 * more: the work of an aggregator grows with its square, and small modules would hide it.
 */
export const freeRank = 256;

/** The first few names: there may be very many. */
function listOf(names: readonly string[]): string {
  const more = names.length - namesShown;
  return `[${names.slice(0, namesShown).join(", ")}${more > 0 ? `, … ${more} more` : ""}]`;
}

const namesShown = 5;

function checkCount(numExamples: number): Failure | undefined {
  if (Number.isSafeInteger(numExamples) && numExamples >= 1) return undefined;
  return failure("MALFORMED", `numExamples: expected an integer ≥ 1, got ${numExamples}`);
}

/**
 * The largest change of one number, by the dtype of the params. With f32, the sum over a million
 * clients or rounds, the most that a trial can have, stays below the largest float32 (3.4e38). With
 * f64, sums of squares and of fourth powers are finite, so aggregators cannot overflow.
 */
export const maxChange: Readonly<Record<DType, number>> = { f32: 1e30, f64: 1e50 };

function checkEntries({ delta }: Update, expected: Shapes): Failure | undefined {
  for (const [name, { dtype }] of expected) {
    const change = delta.get(name);
    if (!change) continue;
    const largest = maxChange[dtype];
    const refuse = (what: string) =>
      failure(
        "NON_FINITE",
        `module ${name}: ${what}, expected at most ${largest} in size (${dtype})`,
      );
    let product = 1;
    for (const [factor, tensor] of tensorsOf(change).entries()) {
      const data = readNumbers(tensor);
      const size = maxAbs(data);
      if (!(size <= largest)) {
        const at = data.findIndex((x) => !(Math.abs(x) <= largest));
        const where = isLowRank(change) ? ` of factor ${factor === 0 ? "b" : "a"}` : "";
        return refuse(`entry ${at}${where} is ${data[at]}`);
      }
      product *= size;
    }
    // No entry of b·a is larger than rank · max|b| · max|a|.
    if (isLowRank(change)) product *= change.b.shape[1] ?? 0;
    if (product > largest) return refuse(`the product of its factors may reach ${product}`);
  }
  return undefined;
}

function checkMetrics({ metrics }: Update): Failure | undefined {
  const bad = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
  return bad && failure("NON_FINITE", `metric ${bad[0]} is ${bad[1]}`);
}
