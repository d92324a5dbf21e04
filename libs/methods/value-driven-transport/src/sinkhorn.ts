import { at, Matrix } from "@fedclair/linalg";

const mostIterations = 2000;

/**
 * Computes the entropic optimal transport between two samples with equal weights: the plan P that
 * minimises Σ P_ij·costs_ij + eps·Σ P_ij·log P_ij, by Sinkhorn's scaling of rows and columns in
 * logarithms (Cuturi 2013), which cannot underflow.
 * @param costs n×m, finite
 * @param eps weight of the entropy, above 0, in units of the costs
 * @param tolerance largest relative error of a row's mass at which the scaling ends
 * @returns n×m, rows sum to 1/n, up to the tolerance, and columns to 1/m
 */
export function sinkhorn(costs: Matrix, eps: number, tolerance = 1e-6): Matrix {
  const [n, m] = [costs.rows, costs.cols];
  const scores = costs.scale(-1 / eps);
  const transposed = scores.transpose();
  let rows: Float64Array = new Float64Array(n);
  let columns: Float64Array = new Float64Array(m);
  for (let iteration = 0; iteration < mostIterations; iteration++) {
    rows = balance(transposed, columns, -Math.log(n));
    const next = balance(scores, rows, -Math.log(m));
    const change = next.reduce((most, x, j) => Math.max(most, Math.abs(x - at(columns, j))), 0);
    columns = next;
    if (change <= tolerance) break;
  }
  const plan = new Matrix(n, m);
  for (let j = 0, k = 0; j < m; j++) {
    for (let i = 0; i < n; i++, k++) {
      plan.data[k] = Math.exp(at(scores.data, k) + at(rows, i) + at(columns, j));
    }
  }
  return plan;
}

/** For each column of scores, the shift that gives exp(scores + others + shift) the log mass. */
function balance(scores: Matrix, others: Float64Array, logMass: number): Float64Array {
  return Float64Array.from({ length: scores.cols }, (_, j) => {
    const column = scores.column(j);
    let most = -Infinity;
    for (let i = 0; i < column.length; i++) most = Math.max(most, at(column, i) + at(others, i));
    let total = 0;
    for (let i = 0; i < column.length; i++) total += Math.exp(at(column, i) + at(others, i) - most);
    return logMass - most - Math.log(total);
  });
}
