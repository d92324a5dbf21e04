export { multiplyBlock, multiplyOwn } from "./gemm";
export { multiplySingles } from "./singles";
export { factorPanel } from "./householder";
export { jacobiSweep } from "./jacobi";
export { applyRotations } from "./rotations";
export { interleave } from "./pack";
export { exp, tanh } from "./exponential";
export { tridiagonalise } from "./tridiagonal";
