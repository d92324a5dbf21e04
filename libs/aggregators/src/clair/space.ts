import { multiply, multiplyTN, subtract, type Matrix } from "@fedclair/linalg";
import { product, type Factors } from "../factors.js";
import { combine, isFactored, type Change } from "./change.js";
import type { SharedSpace } from "./locate.js";

/** A change, split by a shared space. */
export interface Pieces {
  readonly inside: Factors;
  readonly outside: Change;
}

/** Splits X into Π(X) = UUᵀX, XVVᵀ or UUᵀXVVᵀ and the rest. */
export function projectionOn({ left: u, right: v }: SharedSpace): (change: Change) => Pieces {
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
  if (v === undefined) throw new TypeError("refine: a shared space without a side");
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

function split(change: Change, inside: Factors): Pieces {
  return {
    inside,
    outside: isFactored(change)
      ? combine([change, inside], [1, -1])
      : subtract(change, product(inside)),
  };
}
