export { multiplyBlock, multiplyOwn } from "./gemm";
export { factorPanel } from "./householder";
export { jacobiSweep } from "./jacobi";
export { applyRotations } from "./rotations";
export { tanh } from "./tanh";
export { tridiagonalise } from "./tridiagonal";
