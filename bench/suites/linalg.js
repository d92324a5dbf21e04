// Products and decompositions, beside ml-matrix, which is JavaScript too: both in this process.
import { EigenvalueDecomposition, Matrix as Plain, QrDecomposition, SVD } from "ml-matrix";
import { Matrix, gramNT, stream, symmetricEigen, thinQr, thinSvd } from "@fedclair/linalg";
import { toBlock } from "../../libs/linalg/dist/src/block.js";
import { addProduct } from "../../libs/linalg/dist/src/product.js";

const gaussian = (rows, cols, key) =>
  new Matrix(
    rows,
    cols,
    stream("bench")
      .at(key, rows, cols)
      .normals(rows * cols),
  );
const plain = (matrix) => Plain.from1DArray(matrix.cols, matrix.rows, matrix.data).transpose();

const products = [256, 512, 1024].map((n) => {
  const [a, b] = [gaussian(n, n, "a"), gaussian(n, n, "b")];
  const [x, y] = [plain(a), plain(b)];
  const c = new Matrix(n, n);
  return {
    // C is allocated once: fresh pages of memory cost time.
    name: `C ← C + A·B, ${n}×${n}`,
    flops: 2 * n ** 3,
    run: () => addProduct(toBlock(c), toBlock(a), toBlock(b)),
    other: () => x.mmul(y),
  };
});

const decompositions = [
  ...[128, 256, 512].map((n) => {
    const s = gramNT(gaussian(n, n, "s"));
    const x = plain(s);
    return {
      name: `symmetric eigen ${n}×${n}`,
      run: () => symmetricEigen(s),
      other: () => new EigenvalueDecomposition(x, { assumeSymmetric: true }),
    };
  }),
  ((a) => ({ name: "SVD 200×200", run: () => thinSvd(a), other: () => new SVD(plain(a)) }))(
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
      other: () => new QrDecomposition(plain(a)).orthogonalMatrix,
    };
  }),
];

export const title = "linear algebra, beside ml-matrix";

export async function* items() {
  for (const { name, flops, run, other } of [...products, ...decompositions]) {
    yield { name, sides: { fedclair: timed(run, flops), "ml-matrix": timed(other, flops) } };
  }
}

/** As many calls a run as take some tens of milliseconds: one alone may take less than a clock tells well. */
function timed(call, flops) {
  call();
  const start = performance.now();
  call();
  const calls = Math.max(1, Math.round(30 / (performance.now() - start)));
  const run = () => {
    const begun = performance.now();
    for (let i = 0; i < calls; i++) call();
    const ms = performance.now() - begun;
    return { ms, facts: flops && { "GFLOP/s": (calls * flops) / ms / 1e6 } };
  };
  return { run, per: calls };
}
