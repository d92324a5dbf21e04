import {
  gramTN,
  Matrix,
  multiply,
  multiplyTN,
  splitColumns,
  splitEnergy,
  subtract,
  sum,
  item,
} from "@fedclair/linalg";
import { product, type Factors } from "@fedclair/rules";
import {
  compressChange,
  isFactored,
  subtractScaled,
  type Change,
  type Side,
} from "../updates/change.js";

/** The shared space of one module, with orthonormal columns: p×r on the left, q×r on the right. */
export interface SharedSpace {
  readonly rank: number;
  readonly left?: Matrix;
  readonly right?: Matrix;
}

/** The part of a change inside a shared space, and the energy of the rest. */
interface SplitChange {
  /** Π(X) of rank r. One factor, U or Vᵀ, is the same object for all changes. */
  readonly inside: Factors;
  /** |X − Π(X)|² */
  readonly outsideEnergy: number;
}

/** Splits changes X into Π(X) = UUᵀX, XVVᵀ or UUᵀXVVᵀ and the rest. */
interface Projection {
  /** The coordinates of Π(X) in the space: UᵀX, XV or UᵀXV. */
  readonly coordinates: (change: Change) => Matrix;
  readonly split: (change: Change) => SplitChange;
  /** X − Π(X), which is linear in X. */
  readonly outside: (change: Change) => Change;
}

export function createProjection({ left: u, right: v }: SharedSpace): Projection {
  if (u !== undefined && v !== undefined) {
    const vt = v.transpose();
    const coordinates = (change: Change) => multiply(timesLeft(u, change), v);
    const insideOf = (change: Change) => ({ b: u, a: multiply(coordinates(change), vt) });
    return {
      coordinates,
      split: (change) => ({
        inside: insideOf(change),
        outsideEnergy:
          splitEnergy(u, blockOf(change, "left")).outside +
          splitEnergy(v, timesLeft(u, change).transpose()).outside,
      }),
      outside: (change) => subtractPart(change, insideOf(change)),
    };
  }
  if (u !== undefined) {
    return {
      coordinates: (change) => timesLeft(u, change),
      split(change) {
        const { coefficients, outside } = splitColumns(u, blockOf(change, "left"));
        const a = isFactored(change) ? timesLeft(u, change) : coefficients;
        return { inside: { b: u, a }, outsideEnergy: sum(outside) };
      },
      outside: (change) =>
        isFactored(change)
          ? { b: subtract(change.b, multiply(u, multiplyTN(u, change.b))), a: change.a }
          : subtractPart(change, { b: u, a: timesLeft(u, change) }),
    };
  }
  if (v === undefined) throw new TypeError("a shared space without a side");
  const vt = v.transpose();
  const coordinates = (change: Change) => timesRight(change, v);
  return {
    coordinates,
    split: (change) => ({
      inside: { b: coordinates(change), a: vt },
      outsideEnergy: splitEnergy(v, blockOf(change, "right")).outside,
    }),
    outside: (change) =>
      isFactored(change)
        ? { b: change.b, a: subtract(change.a, multiply(multiply(change.a, v), vt)) }
        : subtractPart(change, { b: coordinates(change), a: vt }),
  };
}

/** UᵀX */
function timesLeft(u: Matrix, change: Change): Matrix {
  return isFactored(change) ? multiply(multiplyTN(u, change.b), change.a) : multiplyTN(u, change);
}

/** XV */
function timesRight(change: Change, v: Matrix): Matrix {
  return isFactored(change) ? multiply(change.b, multiply(change.a, v)) : multiply(change, v);
}

function subtractPart(change: Change, part: Factors): Change {
  return subtractScaled(change, 1, isFactored(change) ? part : product(part));
}

/** A matrix with the energies of a change inside and outside every space of a side. */
function blockOf(change: Change, side: Side): Matrix {
  if (isFactored(change)) return compressChange(change, side);
  return side === "left" ? change : change.transpose();
}

/** ⟨PX_i, PX_j⟩ of all changes, at least one, K×K. */
export function gramInside(changes: readonly Change[], space: SharedSpace): Matrix {
  const { coordinates } = createProjection(space);
  const own = changes.map((change) => coordinates(change).data);
  const table = new Matrix(item(own, 0).length, changes.length);
  own.forEach((numbers, k) => {
    table.column(k).set(numbers);
  });
  return gramTN(table);
}

/**
 * Computes |QX|/|PX|, which is infinite completely outside the space and 0 for no change.
 * @param compressed returns the block of `compressChange` for a side of X
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
