// Products and decompositions next to ml-matrix, which also is JavaScript; both run in this
// process.
import { EigenvalueDecomposition, Matrix as Plain, QrDecomposition, SVD } from "ml-matrix";
import { Matrix, gramNT, stream, symmetricEigen, thinQr, thinSvd } from "@fedclair/linalg";
import { addProduct, toBlock } from "@fedclair/linalg/internal";

const gaussian = (rows, cols, key) =>
  new Matrix(
    rows,
    cols,
    stream("bench")
      .at(key, rows, cols)
      .normals(rows * cols),
  );
const toPlain = (matrix) => Plain.from1DArray(matrix.cols, matrix.rows, matrix.data).transpose();

const products = [256, 512, 1024].map((n) => {
  const [a, b] = [gaussian(n, n, "a"), gaussian(n, n, "b")];
  const [x, y] = [toPlain(a), toPlain(b)];
  const c = new Matrix(n, n);
  return {
    // C is allocated once because fresh pages of memory cost time.
    name: `C ← C + A·B, ${n}×${n}`,
    flops: 2 * n ** 3,
    run: () => addProduct(toBlock(c), toBlock(a), toBlock(b)),
    other: () => x.mmul(y),
  };
});

const decompositions = [
  ...[128, 256, 512].map((n) => {
    const s = gramNT(gaussian(n, n, "s"));
    const x = toPlain(s);
    return {
      name: `symmetric eigen ${n}×${n}`,
      run: () => symmetricEigen(s),
      other: () => new EigenvalueDecomposition(x, { assumeSymmetric: true }),
    };
  }),
  ((a) => ({ name: "SVD 200×200", run: () => thinSvd(a), other: () => new SVD(toPlain(a)) }))(
    gaussian(200, 200, "svd"),
  ),
  ...[
    [512, 512],
    [4096, 64],
  ].map(([m, n]) => {
    const a = gaussian(m, n, "qr");
    return {
      name: `QR ${m}×${n}`,
      run: () => thinQr(a),
      other: () => new QrDecomposition(toPlain(a)).orthogonalMatrix,
    };
  }),
];

export const title = "linear algebra, next to ml-matrix";

export async function* items() {
  for (const { name, flops, run, other } of [...products, ...decompositions]) {
    yield {
      name,
      sides: { fedclair: timedSide(run, flops), "ml-matrix": timedSide(other, flops) },
    };
  }
}

/** Repeats a call for some tens of milliseconds per run, as one call may be too short to time. */
function timedSide(call, flops) {
  call();
  const start = performance.now();
  call();
  const calls = Math.max(1, Math.round(30 / (performance.now() - start)));
  const run = () => {
    const begin = performance.now();
    for (let i = 0; i < calls; i++) call();
    const ms = performance.now() - begin;
    return { ms, facts: flops && { "GFLOP/s": (calls * flops) / ms / 1e6 } };
  };
  return { run, per: calls };
}
