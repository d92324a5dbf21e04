export { at, at32, atInt, item } from "./at.js";
export { normalTail } from "./normal-tail.js";
export { leadingSpace, type Space } from "./block-krylov.js";
export { cholesky, choleskySolve, solveUpper } from "./cholesky.js";
export { symmetricEigen, symmetricEigenvalues, type SymmetricEigen } from "./eigen.js";
export { gaussian } from "./gaussian.js";
export { leadingEigenvectors } from "./leading-eigen.js";
export { leadingLeft } from "./leading-left.js";
export { areEqual, indices, mapNumbers, pick, pickNumbers, zeros, zip } from "./lists.js";
export { addScaled, hstack, Matrix, subtract } from "./matrix.js";
export {
  addGramTN,
  dot,
  gramNT,
  gramTN,
  multiply,
  multiplyInto,
  multiplyNT,
  multiplyTN,
} from "./multiply.js";
export { columnEnergies, splitColumns, splitEnergy, type SplitEnergy } from "./project.js";
export { quickselect } from "./quickselect.js";
export { rowTriangle, thinQr, type ThinQr } from "./qr.js";
export {
  frobenius,
  mean,
  median,
  medianDeviation,
  medianInPlace,
  norm,
  normalQuantile,
  quantile,
  standardDeviation,
  sum,
} from "./stats.js";
export { Stream, stream } from "./stream.js";
export { expInPlace, tanhInPlace } from "./exponential.js";
export { multiplySingles, packSingles, type Singles } from "./singles.js";
export { thinSvd, type ThinSvd } from "./svd.js";
