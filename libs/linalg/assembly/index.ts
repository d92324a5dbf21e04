export { multiplyBlock } from "./gemm";
export { factorPanel } from "./householder";
export { jacobiSweep } from "./jacobi";
export { applyRotations } from "./rotations";
export { tridiagonalise } from "./tridiagonal";
