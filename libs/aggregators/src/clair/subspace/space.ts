import {
  gramTN,
  Matrix,
  multiply,
  multiplyTN,
  splitEnergy,
  subtract,
  sum,
  item,
} from "@fedclair/linalg";
import { product, type Factors } from "../../factors.js";
import { combine, isFactored, type Change, type Side } from "./change.js";

/** The shared space of one module, with orthonormal columns: p×r on the left, q×r on the right. */
export interface SharedSpace {
  readonly rank: number;
  readonly left?: Matrix;
  readonly right?: Matrix;
}

/** A change, split into its parts inside and outside a shared space. */
export interface SplitChange {
  readonly inside: Factors;
  readonly outside: Change;
}

/** Creates a function that splits X into Π(X) = UUᵀX, XVVᵀ or UUᵀXVVᵀ and the rest. */
export function createProjection({
  left: u,
  right: v,
}: SharedSpace): (change: Change) => SplitChange {
  if (u !== undefined && v !== undefined) {
    const vt = v.transpose();
    return (change) => {
      const core = multiply(timesLeft(u, change), v);
      return split(change, { b: u, a: multiply(core, vt) });
    };
  }
  if (u !== undefined) {
    return (change) => {
      const inside = { b: u, a: timesLeft(u, change) };
      if (!isFactored(change)) return split(change, inside);
      const { b, a } = change;
      return { inside, outside: { b: subtract(b, multiply(u, multiplyTN(u, b))), a } };
    };
  }
  if (v === undefined) throw new TypeError("a shared space without a side");
  const vt = v.transpose();
  return (change) => {
    if (!isFactored(change)) return split(change, { b: multiply(change, v), a: vt });
    const { b, a } = change;
    const coefficients = multiply(a, v);
    return {
      inside: { b: multiply(b, coefficients), a: vt },
      outside: { b, a: subtract(a, multiply(coefficients, vt)) },
    };
  };
}

/** UᵀX */
function timesLeft(u: Matrix, change: Change): Matrix {
  return isFactored(change) ? multiply(multiplyTN(u, change.b), change.a) : multiplyTN(u, change);
}

function split(change: Change, inside: Factors): SplitChange {
  return {
    inside,
    outside: isFactored(change)
      ? combine([change, inside], [1, -1])
      : subtract(change, product(inside)),
  };
}

/** ⟨PX_i, PX_j⟩ of all changes, at least one, K×K. */
export function gramInside(changes: readonly Change[], space: SharedSpace): Matrix {
  const project = createProjection(space);
  const coordinates = changes.map((change) => {
    const { b, a } = project(change).inside;
    // The other factor is the space itself, which has orthonormal columns.
    return (space.left ? a : b).data;
  });
  const table = new Matrix(item(coordinates, 0).length, changes.length);
  coordinates.forEach((own, k) => {
    table.column(k).set(own);
  });
  return gramTN(table);
}

/**
 * Computes |QX|/|PX|, which is infinite completely outside the space and 0 for no change.
 * @param compressed returns the block of `compress` for a side of X
 */
export function computeTangent(
  { left, right }: SharedSpace,
  compressed: (side: Side) => Matrix,
): number {
  const energies = [
    ...(left ? [splitEnergy(left, compressed("left"))] : []),
    ...(right ? [splitEnergy(right, compressed("right"))] : []),
  ];
  const outside = sum(energies.map((energy) => energy.outside));
  return outside === 0 ? 0 : Math.sqrt(outside / sum(energies.map((energy) => energy.inside)));
}
