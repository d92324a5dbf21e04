import { reflector } from "./householder";
import { lanes } from "./vector";

/**
 * Householder tridiagonalisation of a symmetric matrix, using its lower triangle. Memory reads
 * determine its speed, so the rank-two update of one step and the matrix–vector product of the next
 * share one pass (Howell, Demmel, Fulton, Hammarling and Marmol, Cache efficient bidiagonalization
 * using BLAS 2.5 operators, 2008).
 * @param a n×n, column-major with `stride` rows, an even number; rows after n are zero. On return
 * it holds the reflectors below the subdiagonal, without their leading 1
 * @param diagonal n entries
 * @param offDiagonal n entries; the last one is not set
 * @param taus n entries; the last one is not set
 * @param work 4·stride entries, all zero
 */
export function tridiagonalise(
  a: usize,
  stride: usize,
  n: usize,
  diagonal: usize,
  offDiagonal: usize,
  taus: usize,
  work: usize,
): void {
  if (n == 0) return;
  const height = stride * 8;
  // The pending update: A - v·wᵀ - w·vᵀ.
  const v = work;
  const w = v + height;
  const x = w + height;
  const y = x + height;
  for (let j: usize = 0; j < n; j++) {
    const column = a + j * height;
    const vj = load<f64>(v + j * 8);
    const wj = load<f64>(w + j * 8);
    for (let i = j; i < n; i++) {
      const update = load<f64>(v + i * 8) * wj + load<f64>(w + i * 8) * vj;
      store<f64>(column + i * 8, load<f64>(column + i * 8) - update);
    }
    store<f64>(diagonal + j * 8, load<f64>(column + j * 8));
    const next = j + 1;
    if (next == n) break;
    const tau = reflector(column + next * 8, n - next);
    store<f64>(taus + j * 8, tau);
    store<f64>(offDiagonal + j * 8, load<f64>(column + next * 8));

    memory.copy(x + next * 8, column + next * 8, (n - next) * 8);
    store<f64>(x + next * 8, 1);
    memory.fill(y + next * 8, 0, (n - next) * 8);
    for (let k = next; k < n; k++) updateAndMultiply(a + k * height, k, stride, v, w, x, y);

    let half: f64 = 0;
    for (let i = next; i < n; i++) half += load<f64>(x + i * 8) * load<f64>(y + i * 8);
    half *= (tau * tau) / 2;
    for (let i = next; i < n; i++) {
      const xi = load<f64>(x + i * 8);
      store<f64>(v + i * 8, xi);
      store<f64>(w + i * 8, tau * load<f64>(y + i * 8) - half * xi);
    }
  }
}

/** Computes column k of S ← S - v·wᵀ - w·vᵀ and its part in y ← y + S·x, from the diagonal down. */
function updateAndMultiply(
  column: usize,
  k: usize,
  stride: usize,
  v: usize,
  w: usize,
  x: usize,
  y: usize,
): void {
  const vk = load<f64>(v + k * 8);
  const wk = load<f64>(w + k * 8);
  const xk = load<f64>(x + k * 8);
  let offset = k * 8;
  let entry = load<f64>(column + offset) - 2 * vk * wk;
  store<f64>(column + offset, entry);
  let sum = entry * xk;
  offset += 8;
  if (offset & 8) {
    entry = load<f64>(column + offset) - load<f64>(v + offset) * wk - load<f64>(w + offset) * vk;
    store<f64>(column + offset, entry);
    store<f64>(y + offset, load<f64>(y + offset) + entry * xk);
    sum += entry * load<f64>(x + offset);
    offset += 8;
  }
  const vks = f64x2.splat(vk);
  const wks = f64x2.splat(wk);
  const xks = f64x2.splat(xk);
  let sums = f64x2.splat(0);
  for (const end = stride * 8; offset < end; offset += 16) {
    const update = f64x2.add(
      f64x2.mul(v128.load(v + offset), wks),
      f64x2.mul(v128.load(w + offset), vks),
    );
    const entries = f64x2.sub(v128.load(column + offset), update);
    v128.store(column + offset, entries);
    v128.store(y + offset, f64x2.add(v128.load(y + offset), f64x2.mul(entries, xks)));
    sums = f64x2.add(sums, f64x2.mul(entries, v128.load(x + offset)));
  }
  store<f64>(y + k * 8, load<f64>(y + k * 8) + sum + lanes(sums));
}
