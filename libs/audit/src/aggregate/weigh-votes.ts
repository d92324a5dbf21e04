import { isLowRank, toMatrix, type Delta, type TensorDelta, type Update } from "@fedclair/core";
import { gaussian, multiply, stream } from "@fedclair/linalg";

/** Changes are copies if 1 minus their cosine is below this, whatever their scale. */
const copyDistance = 1e-3;

/**
 * Weighs the votes of clients on the form of the shared adapter. Clients that sent copies of one
 * change share one vote, so that nobody gets more votes by more names.
 * @returns weights by client id; 1 for a client without copies
 */
export function weighVotes(updates: readonly Update[]): ReadonlyMap<string, number> {
  const groups: { readonly direction: Float64Array; readonly members: string[] }[] = [];
  for (const { clientId, delta } of updates) {
    const direction = sketch(delta);
    // For unit vectors, |x − y|² is twice the distance.
    const own = groups.find((one) => squaredDistance(one.direction, direction) < 2 * copyDistance);
    if (own) own.members.push(clientId);
    else groups.push({ direction, members: [clientId] });
  }
  return new Map(
    groups.flatMap(({ members }) => members.map((id) => [id, 1 / members.length] as const)),
  );
}

/** Number of random directions on each side of a module's change. */
const width = 16;

/**
 * Multiplies a change by random directions on both sides, and scales the result to norm 1. Copies
 * have nearly the same sketch, and others do not.
 */
function sketch(delta: Delta): Float64Array {
  const parts = [...delta].map(([module, change]) => sketchModule(module, change));
  const all = Float64Array.from(parts.flatMap((part) => [...part]));
  const norm = Math.sqrt(all.reduce((total, x) => total + x * x, 0));
  return all.map((x) => x / (norm || 1));
}

function sketchModule(module: string, change: TensorDelta): Float64Array {
  const [b, a] = isLowRank(change) ? [toMatrix(change.b), toMatrix(change.a)] : [toMatrix(change)];
  const rng = stream("votes").at(module);
  const last = a ?? b;
  const right = multiply(last, gaussian(rng.at("right"), last.cols, width));
  const whole = a === undefined ? right : multiply(b, right);
  return multiply(gaussian(rng.at("left"), width, b.rows), whole).data;
}

function squaredDistance(x: Float64Array, y: Float64Array): number {
  return x.reduce((total, value, i) => total + (value - (y[i] ?? 0)) ** 2, 0);
}
