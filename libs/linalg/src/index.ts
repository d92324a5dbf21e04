export { symmetricEigen, type SymmetricEigen } from "./eigen.js";
export { leadingEigenvectors } from "./leading-eigen.js";
export { leadingLeft } from "./leading.js";
export { addScaled, hstack, Matrix, subtract } from "./matrix.js";
export { dot, gramNT, multiply, multiplyNT, multiplyTN } from "./multiply.js";
export { thinQr, type ThinQr } from "./qr.js";
export { frobenius, median, norm, quantile, sum } from "./stats.js";
export { Stream, stream } from "./stream.js";
export { thinSvd, type ThinSvd } from "./svd.js";
