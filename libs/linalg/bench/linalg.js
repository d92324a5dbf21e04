// Needs a build. To see the figures: node -e 'import("./bench/linalg.js").then((m) => m.bench()).then(console.table)'
import { EigenvalueDecomposition, Matrix as Plain, QrDecomposition, SVD } from "ml-matrix";
import { Bench } from "tinybench";
import {
  Matrix,
  gramNT,
  setThreads,
  stream,
  symmetricEigen,
  thinQr,
  thinSvd,
} from "../dist/src/index.js";
import { blockOf } from "../dist/src/block.js";
import { addProduct } from "../dist/src/product.js";

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
    // C is allocated once: fresh pages of memory would cost more time than a second thread saves.
    name: `C ← C + A·B, ${n}×${n}`,
    flops: 2 * n ** 3,
    run: () => addProduct(blockOf(c), blockOf(a), blockOf(b)),
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

/**
 * Times the products on one and two threads and the decompositions on one, against ml-matrix.
 * @returns {Promise<{ name: string, ms: number, gflops?: number, reference?: number }[]>} medians; gflops in 1e9 floating-point
 *   operations a second, reference the milliseconds of ml-matrix
 */
export async function bench() {
  const references = await medians([...products, ...decompositions], ({ other }) => other, 3, 0);
  const alone = await medians([...products, ...decompositions], ({ run }) => run, 11, 500);
  await setThreads(2);
  const together = await medians(products, ({ run }) => run, 11, 500);
  await setThreads(1);
  const row = ({ name, flops }, ms, reference) => ({
    name,
    ms,
    ...(flops && { gflops: flops / ms / 1e6 }),
    ...(reference && { reference }),
  });
  return [
    ...[...products, ...decompositions].map((item, i) => row(item, alone[i], references[i])),
    ...products.map((item, i) => row({ ...item, name: `${item.name}, 2 threads` }, together[i])),
  ];
}

/** Milliseconds of one function of every item, over that many runs and that many milliseconds at least. */
async function medians(items, pick, iterations, time) {
  const bench = new Bench({ iterations, time, warmupIterations: 1, warmupTime: time / 5 });
  for (const item of items) bench.add(item.name, pick(item));
  await bench.run();
  return bench.tasks.map(({ result }) => result.latency.p50);
}
