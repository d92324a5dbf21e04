import {
  isLowRank,
  deltaShape,
  shapeText,
  sizeOf,
  tensorsOf,
  UserError,
  type TensorDelta,
  type Update,
} from "@fedclair/core";
import { median } from "@fedclair/linalg";
import type { Parts } from "./parts.js";

/** A client that takes part: finite, of the common modules and shapes, and not idle. */
export interface Client {
  readonly id: string;
  readonly numExamples: number;
  /** How the parts know it. */
  readonly index: number;
  /** |X|_F over all modules. */
  readonly norm: number;
}

/** How the parts know the clients. */
export function indicesOf(clients: readonly Client[]): number[] {
  return clients.map(({ index }) => index);
}

/** The updates that can be set side by side: of the modules and shapes that most have. */
export interface Comparable {
  readonly updates: readonly Update[];
  readonly modules: readonly string[];
}

/**
 * Step 0, by names and shapes.
 * @throws UserError if a module that most clients send is not a matrix
 */
export function comparable(updates: readonly Update[]): Comparable {
  const consistent = updates.filter(isConsistent);
  const common = mostCommonSignature(consistent);
  const alike = consistent.filter((update) => signatureOf(update) === common);
  for (const [name, module] of alike[0]?.delta ?? []) requireMatrix(name, deltaShape(module));
  return { updates: alike, modules: [...(alike[0]?.delta.keys() ?? [])] };
}

/** What the updates of one module are, in the order of the updates. */
export function updatesOf({ updates }: Comparable, module: string): TensorDelta[] {
  return updates.flatMap(({ delta }) => delta.get(module) ?? []);
}

export interface Sanitised {
  /** In the order of the updates. */
  readonly active: readonly Client[];
  /** Ids of clients that did nothing. */
  readonly inactive: readonly string[];
}

/** Step 0, by numbers: sets aside what cannot be compared (in neither list) and clients that did nothing (inactive). */
export async function sanitise(
  { updates }: Comparable,
  parts: Parts,
  zeroTol: number,
): Promise<Sanitised> {
  const bounded = await parts.each("areBounded");
  const valid = [...updates.keys()].filter((k) => bounded.every((of) => of[k]));
  const norms = await parts.each("norms", valid);
  const clients = valid.flatMap((k, i) =>
    updates.slice(k, k + 1).map(({ clientId: id, numExamples }) => {
      return { id, numExamples, index: i, norm: Math.hypot(...norms.map((of) => of[i] ?? NaN)) };
    }),
  );
  // Factors within bounds can still have a product beyond them.
  const finite = clients.filter(({ norm }) => Number.isFinite(norm));
  const positive = finite.map(({ norm }) => norm).filter((norm) => norm > 0);
  const least = positive.length > 0 ? zeroTol * median(positive) : 0;
  const active = finite.filter(({ norm }) => norm > least);
  await parts.each("compare", indicesOf(active));
  return {
    active: active.map((client, index) => ({ ...client, index })),
    inactive: finite.filter(({ norm }) => norm <= least).map(({ id }) => id),
  };
}

/** Module names with their shapes; a client's LoRA rank is its own affair. */
function signatureOf({ delta }: Update): string {
  const parts = [...delta].map(([name, module]) => [name, ...deltaShape(module)]);
  return JSON.stringify(parts.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

/** The first seen wins a tie. */
function mostCommonSignature(updates: readonly Update[]): string | undefined {
  const counts = new Map<string, number>();
  for (const update of updates) {
    const signature = signatureOf(update);
    counts.set(signature, (counts.get(signature) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0];
}

/** Do the entries fill the shapes, and do both factors of a pair fit together? */
function isConsistent({ delta }: Update): boolean {
  return [...delta.values()].every(
    (module) =>
      tensorsOf(module).every(({ shape, data }) => data.length === sizeOf(shape)) &&
      (!isLowRank(module) ||
        (module.b.shape.length === 2 &&
          module.a.shape.length === 2 &&
          module.b.shape[1] === module.a.shape[0])),
  );
}

function requireMatrix(name: string, shape: readonly number[]): void {
  if (shape.length === 2) return;
  throw new UserError(
    `clair compares matrices, but module ${name} has shape ${shapeText(shape)}: leave it out of what the task trains, ` +
      "or choose another aggregator",
  );
}
