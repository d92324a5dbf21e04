import { cbrt, cos, exp, log, sin } from "./fdlibm.js";

/** Gives this worker the `Math` of Node.js, so that results have the same bytes. */
export function useNodeMath(): void {
  Object.assign(Math, { cbrt, cos, exp, log, sin });
}
