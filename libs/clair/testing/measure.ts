import { toDense } from "@fedclair/core";
import {
  addScaled,
  frobenius,
  multiply,
  multiplyTN,
  subtract,
  thinSvd,
  type Matrix,
} from "@fedclair/linalg";
import type { ClairResult, Refined } from "../src/index.js";

/** The sine of the largest angle between two spaces of orthonormal columns, |U - VVᵀU|₂. */
export function sinTheta(u: Matrix, v: Matrix | undefined): number {
  if (v === undefined) return NaN;
  return thinSvd(subtract(u, multiply(v, multiplyTN(v, u)))).s[0] ?? 0;
}

/** Ids of the clients with a status, in the order of the updates. */
export function idsOf(result: ClairResult, status: "benign" | "contaminated"): string[] {
  if (status === "benign") return result.pooled.map(({ id }) => id);
  return [...result.status].filter(([, s]) => s === status).map(([id]) => id);
}

/** Π(X_k) + M̂, multiplied out. */
export function refinedMatrix(refined: Refined | undefined, id: string): Matrix {
  const own = refined?.personal.get(id);
  if (refined === undefined || own === undefined) throw new Error(`client ${id} was not refined`);
  const out = toDense(own);
  if (refined.shared !== undefined) addScaled(out, 1, toDense(refined.shared));
  return out;
}

/** |A - B|_F */
export function distance(a: Matrix, b: Matrix): number {
  return frobenius(subtract(a, b));
}
