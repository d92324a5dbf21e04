import { readNumbers, isLowRank, toMatrix, type LowRank, type TensorDelta } from "@fedclair/core";
import { frobenius, gramNT, gramTN, Matrix, multiplyNT } from "@fedclair/linalg";
import { product } from "@fedclair/rules";
import {
  toChange,
  compressChange,
  isFactored,
  triangleOf,
  type Change,
  type Side,
} from "./change.js";

/**
 * One module of a client's update. For pairs it stores only small matrices and reads the factors
 * again each time, because the factors of all clients in float64 would take most of a round's
 * memory.
 */
export class ModuleUpdate {
  readonly #update: TensorDelta;
  readonly #keepsDense: boolean;
  #dense: Matrix | undefined;
  #triangles: Readonly<Record<Side, Matrix>> | undefined;

  /** @param keepsDense whether a dense change stays in memory in float64 once it was read */
  constructor(update: TensorDelta, keepsDense: boolean) {
    this.#update = update;
    this.#keepsDense = keepsDense;
  }

  get isPair(): boolean {
    return isLowRank(this.#update);
  }

  toChange(): Change {
    return this.isPair ? toChange(this.#update) : this.toDense();
  }

  toDense(): Matrix {
    if (this.#dense !== undefined) return this.#dense;
    const change = toChange(this.#update);
    const dense = isFactored(change) ? product(change) : change;
    if (this.#keepsDense) this.#dense = dense;
    return dense;
  }

  /** Computes the block of `compressChange` without multiplying a pair out. */
  compress(side: Side): Matrix {
    if (!isLowRank(this.#update)) return compressChange(this.toDense(), side);
    const { left, right } = this.#computeTriangles(this.#update);
    return multiplyNT(readColumns(side, this.#update), side === "left" ? right : left);
  }

  /** A small matrix with the norm and the singular values of the change. */
  core(): Matrix {
    if (!isLowRank(this.#update)) return compressChange(this.toDense(), "left");
    const { left, right } = this.#computeTriangles(this.#update);
    return multiplyNT(left, right);
  }

  /** |X|_F */
  norm(): number {
    return frobenius(this.isPair ? this.core() : this.toDense());
  }

  /**
   * Computes (Σσ²)²/Σσ⁴ of the singular values, the effective number of directions of the change; 1
   * for no change.
   */
  effectiveRank(): number {
    const whole = this.core();
    const norm = frobenius(whole);
    if (norm === 0) return 1;
    const core = whole.scale(1 / norm); // so that fourth powers neither overflow nor vanish
    const gram = core.cols < core.rows ? gramTN(core) : gramNT(core);
    return 1 / frobenius(gram) ** 2;
  }

  #computeTriangles(pair: LowRank): Readonly<Record<Side, Matrix>> {
    return (this.#triangles ??= {
      left: triangleOf(readColumns("left", pair)),
      right: triangleOf(readColumns("right", pair)),
    });
  }
}

/** Returns B, or Aᵀ, as a matrix. It may share memory with the update and must not be modified. */
function readColumns(side: Side, { b, a }: LowRank): Matrix {
  if (side === "left") return toMatrix(b);
  const [rows = 0, cols = 0] = a.shape;
  const data = readNumbers(a);
  return new Matrix(cols, rows, data instanceof Float64Array ? data : new Float64Array(data));
}
