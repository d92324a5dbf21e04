import {
  deltaShape,
  isLowRank,
  shapeText,
  sizeOf,
  tensorsOf,
  UserError,
  yieldToEventLoop,
  type Update,
} from "@fedclair/core";
import { median, item } from "@fedclair/linalg";

/** A client that takes part: finite, of the common modules and shapes, and not idle. */
export interface Client {
  readonly id: string;
  readonly numExamples: number;
  /** Its index in what is compared: how the modules know it. */
  readonly index: number;
  /** |X|_F over all modules. */
  readonly norm: number;
}

/** How the modules know the clients. */
export function indicesOf(clients: readonly Client[]): number[] {
  return clients.map(({ index }) => index);
}

/**
 * Step 0, by names and shapes: the updates that can be set side by side, of the modules and shapes that most have.
 * @throws UserError if a module that most clients send is not a matrix
 */
export async function comparable(updates: readonly Update[]): Promise<readonly Update[]> {
  const bySignature = new Map<string, Update[]>();
  for (const update of updates) {
    if (isConsistent(update)) {
      const signature = signatureOf(update);
      bySignature.set(signature, [...(bySignature.get(signature) ?? []), update]);
    }
    await yieldToEventLoop();
  }
  // The first seen wins a tie.
  const most = Math.max(...[...bySignature.values()].map((alike) => alike.length));
  const alike = [...bySignature.values()].find(({ length }) => length === most) ?? [];
  for (const [name, module] of alike[0]?.delta ?? []) requireMatrix(name, deltaShape(module));
  return alike;
}

export interface Sanitised {
  /** In the order of the updates. */
  readonly active: readonly Client[];
  /** Ids of clients that did nothing. */
  readonly inactive: readonly string[];
}

/**
 * Step 0, by numbers: sets aside what cannot be compared (in neither list) and clients that did nothing (inactive).
 * @param norms of every client's change by module; NaN where it is not finite, or too large
 */
export function sanitise(
  updates: readonly Update[],
  norms: readonly (readonly number[])[],
  zeroTol: number,
): Sanitised {
  const clients = updates.map(({ clientId: id, numExamples }, index): Client => {
    return { id, numExamples, index, norm: Math.hypot(...norms.map((of) => item(of, index))) };
  });
  // Factors within bounds can still have a product beyond them.
  const finite = clients.filter(({ norm }) => Number.isFinite(norm));
  const positive = finite.map(({ norm }) => norm).filter((norm) => norm > 0);
  const least = positive.length > 0 ? zeroTol * median(positive) : 0;
  return {
    active: finite.filter(({ norm }) => norm > least),
    inactive: finite.filter(({ norm }) => norm <= least).map(({ id }) => id),
  };
}

/** Module names with their shapes; a client's LoRA rank is its own affair. */
function signatureOf({ delta }: Update): string {
  const parts = [...delta].map(([name, module]) => [name, ...deltaShape(module)]);
  return JSON.stringify(parts.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
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
