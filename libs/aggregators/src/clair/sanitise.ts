import {
  isLowRank,
  matrixOf,
  moduleShape,
  shapeText,
  sizeOf,
  tensorsOf,
  UserError,
  type Update,
} from "@fedclair/core";
import { median } from "@fedclair/linalg";
import { factorsOf, product } from "../factors.js";
import { normOf, type Change } from "./change.js";

/** A client that takes part: finite, of the common modules and shapes, and not idle. */
export interface Client {
  readonly id: string;
  readonly numExamples: number;
  readonly modules: ReadonlyMap<string, Change>;
}

export interface Sanitised {
  readonly modules: readonly string[];
  /** In the order of the updates. */
  readonly active: readonly Client[];
  readonly inactive: readonly string[];
  readonly invalid: readonly string[];
}

/** Beyond it squares overflow. */
const largestEntry = 1e100;

/**
 * Step 0: sets aside updates that cannot be compared (invalid) and clients that did nothing (inactive).
 * @throws UserError if a module that most clients send is not a matrix
 */
export function sanitise(updates: readonly Update[], zeroTol: number): Sanitised {
  const common = mostCommonSignature(updates.filter(isConsistent));
  const valid = updates.filter((u) => isConsistent(u) && signatureOf(u) === common && isBounded(u));
  for (const [name, module] of valid[0]?.modules ?? []) requireMatrix(name, moduleShape(module));

  // Factors within bounds can still have a product beyond them.
  const clients = alignForms(valid)
    .map((client) => ({ client, norm: normOfClient(client) }))
    .filter(({ norm }) => Number.isFinite(norm));
  const positive = clients.map(({ norm }) => norm).filter((norm) => norm > 0);
  const least = positive.length > 0 ? zeroTol * median(positive) : 0;
  const usable = new Set(clients.map(({ client }) => client.id));
  return {
    modules: [...(valid[0]?.modules.keys() ?? [])],
    active: clients.filter(({ norm }) => norm > least).map(({ client }) => client),
    inactive: clients.filter(({ norm }) => norm <= least).map(({ client }) => client.id),
    invalid: updates.map(({ clientId }) => clientId).filter((id) => !usable.has(id)),
  };
}

/** |X|_F over all modules. */
export function normOfClient({ modules }: Client): number {
  return Math.hypot(...[...modules.values()].map(normOf));
}

/** Module names with their shapes; a client's LoRA rank is its own affair. */
function signatureOf({ modules }: Update): string {
  const parts = [...modules].map(([name, module]) => [name, ...moduleShape(module)]);
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
function isConsistent({ modules }: Update): boolean {
  return [...modules.values()].every(
    (module) =>
      tensorsOf(module).every(({ shape, data }) => data.length === sizeOf(shape)) &&
      (!isLowRank(module) ||
        (module.b.shape.length === 2 &&
          module.a.shape.length === 2 &&
          module.b.shape[1] === module.a.shape[0])),
  );
}

function isBounded({ modules }: Update): boolean {
  return [...modules.values()].flatMap(tensorsOf).every(({ data }) => {
    // Not with every(): it takes five times as long, and this looks at all that was sent.
    for (let i = 0; i < data.length; i++)
      if (!(Math.abs(data[i] ?? NaN) <= largestEntry)) return false;
    return true;
  });
}

function requireMatrix(name: string, shape: readonly number[]): void {
  if (shape.length === 2) return;
  throw new UserError(
    `clair compares matrices, but module ${name} has shape ${shapeText(shape)}: leave it out of what the task trains, ` +
      "or choose another aggregator",
  );
}

/** A module that one client sends dense is p×q in memory already: then everybody's is. */
function alignForms(updates: readonly Update[]): Client[] {
  const names = [...(updates[0]?.modules.keys() ?? [])];
  const dense = new Set(
    names.filter((name) =>
      updates.some(({ modules }) => {
        const module = modules.get(name);
        return module !== undefined && !isLowRank(module);
      }),
    ),
  );
  return updates.map(({ clientId, numExamples, modules }) => ({
    id: clientId,
    numExamples,
    modules: new Map(
      names.flatMap((name): [string, Change][] => {
        const module = modules.get(name);
        if (module === undefined) return [];
        if (!isLowRank(module)) return [[name, matrixOf(module)]];
        const factors = factorsOf(module);
        return [[name, dense.has(name) ? product(factors) : factors]];
      }),
    ),
  }));
}
