import {
  readNumbers,
  countNumbers,
  deltaShape,
  isLowRank,
  shapeText,
  sizeOf,
  tensorsOf,
  UserError,
  yieldToEventLoop,
  type Delta,
  type Numbers,
  type Tensor,
  type TensorDelta,
  type Update,
} from "@fedclair/core";
import { median, item } from "@fedclair/linalg";

/**
 * A client that takes part. Its update is finite, has the common modules and shapes, and is not
 * idle.
 */
export interface Client {
  readonly id: string;
  readonly numExamples: number;
  /** Index of the client among the compared updates. Modules identify clients by it. */
  readonly index: number;
  /** |X|_F over all modules that are compared. */
  readonly norm: number;
  /** The client's modules that are not compared. */
  readonly vectors: ReadonlyMap<string, Tensor>;
}

/**
 * Whether a module has columns that can share a space. Vectors and scalars, such as a bias, have
 * none and are not judged.
 */
export function isCompared(module: TensorDelta): boolean {
  return deltaShape(module).length >= 2;
}

/** The modules of a change that are not compared. */
export function pickVectors(delta: Delta): ReadonlyMap<string, Tensor> {
  const vectors = new Map<string, Tensor>();
  for (const [name, module] of delta) {
    if (!isLowRank(module) && !isCompared(module)) vectors.set(name, module);
  }
  return vectors;
}

/** The indices that identify the clients in the modules. */
export function indicesOf(clients: readonly Client[]): number[] {
  return clients.map(({ index }) => index);
}

/**
 * Step 0, by names and shapes: selects the updates that can be compared. They have the modules and
 * shapes of the largest group of clients, and finite vectors.
 * @throws UserError if that group sends no module that can be compared
 */
export async function selectComparable(updates: readonly Update[]): Promise<readonly Update[]> {
  const bySignature = new Map<string, Update[]>();
  for (const update of updates) {
    if (isConsistent(update) && hasBoundedVectors(update)) {
      const signature = signatureOf(update);
      bySignature.set(signature, [...(bySignature.get(signature) ?? []), update]);
    }
    await yieldToEventLoop();
  }
  // On a tie the first group wins.
  const most = Math.max(...[...bySignature.values()].map((largest) => largest.length));
  const largest = [...bySignature.values()].find(({ length }) => length === most) ?? [];
  if (largest[0]) requireMatrix(largest[0]);
  return largest;
}

/** A norm up to this share of the median is zero, four digits above the rounding of float64. */
export const zeroShare = 1e-12;

interface Sanitised {
  /** Active clients in the order of the updates. */
  readonly active: readonly Client[];
  /** Ids of clients that changed nothing. */
  readonly inactive: readonly string[];
}

/**
 * Step 0, by numbers: separates active from inactive clients, which changed nothing. Clients that
 * cannot be compared are in neither list.
 * @param norms norm of every client's change by module; NaN where it is not finite or too large
 */
export function sanitise(
  updates: readonly Update[],
  norms: readonly (readonly number[])[],
): Sanitised {
  const clients = updates.map(({ clientId: id, numExamples, delta }, index): Client => {
    const norm = Math.hypot(...norms.map((of) => item(of, index)));
    return { id, numExamples, index, norm, vectors: pickVectors(delta) };
  });
  // The product of factors within bounds can still be out of bounds.
  const finite = clients.filter(({ norm }) => Number.isFinite(norm));
  const positive = finite.map(({ norm }) => norm).filter((norm) => norm > 0);
  const least = positive.length > 0 ? zeroShare * median(positive) : 0;
  return {
    active: finite.filter(({ norm }) => norm > least),
    inactive: finite.filter(({ norm }) => norm <= least).map(({ id }) => id),
  };
}

/** Module names with their shapes. LoRA ranks may differ between clients. */
function signatureOf({ delta }: Update): string {
  const parts = [...delta].map(([name, module]) => [name, ...deltaShape(module)]);
  return JSON.stringify(parts.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

/** Whether the entries fill the shapes, and both factors of every pair fit together. */
function isConsistent({ delta }: Update): boolean {
  return [...delta.values()].every(
    (module) =>
      tensorsOf(module).every((tensor) => countNumbers(tensor) === sizeOf(tensor.shape)) &&
      (!isLowRank(module) ||
        (module.b.shape.length === 2 &&
          module.a.shape.length === 2 &&
          module.b.shape[1] === module.a.shape[0])),
  );
}

function hasBoundedVectors({ delta }: Update): boolean {
  return [...pickVectors(delta).values()].every((vector) => isBounded(readNumbers(vector)));
}

function requireMatrix({ delta }: Update): void {
  const [first] = delta;
  if (first === undefined || [...delta.values()].some(isCompared)) return;
  const [name, module] = first;
  throw new UserError(
    `clair compares matrices, but module ${name} has shape ${shapeText(deltaShape(module))}: no module of the task has ` +
      "two axes or more; choose another aggregator",
  );
}

/** Largest entry; beyond it, squares overflow. */
const maxEntry = 1e100;

/** Whether all entries are finite and at most 1e100 in size. */
export function isBounded(data: Numbers): boolean {
  // A plain loop, because for-of and every() take five times as long and this reads everything that
  // was sent.
  for (let i = 0; i < data.length; i++) {
    const x = data[i];
    if (x === undefined || !(Math.abs(x) <= maxEntry)) return false;
  }
  return true;
}
