import { isLowRank, toMatrix, type LowRank, type TensorDelta } from "@fedclair/core";
import { frobenius, gramNT, gramTN, Matrix, multiplyNT } from "@fedclair/linalg";
import { product } from "../../factors.js";
import { toChange } from "../modules.js";
import { compress, isFactored, triangleOf, type Change, type Side } from "./change.js";

/**
 * One module as a client changed it. Of a pair only small matrices are kept, and factors are read anew each time: in float64 those of
 * all clients would be the most memory of a round.
 */
export class ModuleUpdate {
  readonly #update: TensorDelta;
  #dense: Matrix | undefined;
  #triangles: Readonly<Record<Side, Matrix>> | undefined;

  constructor(update: TensorDelta) {
    this.#update = update;
  }

  get isPair(): boolean {
    return isLowRank(this.#update);
  }

  toChange(): Change {
    return this.isPair ? toChange(this.#update) : this.toDense();
  }

  toDense(): Matrix {
    if (this.#dense === undefined) {
      const change = toChange(this.#update);
      this.#dense = isFactored(change) ? product(change) : change;
    }
    return this.#dense;
  }

  /** As `compress` says. */
  compress(side: Side): Matrix {
    if (!isLowRank(this.#update)) return compress(this.toDense(), side);
    const { left, right } = this.#computeTriangles(this.#update);
    return multiplyNT(readColumns(side, this.#update), side === "left" ? right : left);
  }

  /** A small matrix with the norm and the singular values of the change. */
  core(): Matrix {
    if (!isLowRank(this.#update)) return compress(this.toDense(), "left");
    const { left, right } = this.#computeTriangles(this.#update);
    return multiplyNT(left, right);
  }

  /** |X|_F */
  norm(): number {
    return frobenius(this.isPair ? this.core() : this.toDense());
  }

  /** (Σσ²)²/Σσ⁴ of the singular values: how many directions the change has, 1 of none. */
  effectiveRank(): number {
    const core = this.core();
    const gram = core.cols < core.rows ? gramTN(core) : gramNT(core);
    const size = frobenius(core) ** 4;
    return size === 0 ? 1 : size / frobenius(gram) ** 2;
  }

  #computeTriangles(pair: LowRank): Readonly<Record<Side, Matrix>> {
    return (this.#triangles ??= {
      left: triangleOf(readColumns("left", pair)),
      right: triangleOf(readColumns("right", pair)),
    });
  }
}

/** B, or Aᵀ: to be read, for it may be what was sent. */
function readColumns(side: Side, { b, a }: LowRank): Matrix {
  if (side === "left") return toMatrix(b);
  const [rows = 0, cols = 0] = a.shape;
  return new Matrix(cols, rows, a.data instanceof Float64Array ? a.data : new Float64Array(a.data));
}
