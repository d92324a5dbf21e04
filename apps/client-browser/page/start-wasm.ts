import { loadBackend } from "@fedclair/compute";
import { UserError } from "@fedclair/core";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { env } from "@tensorflow/tfjs-core";
import { useNodeMath } from "./node-math.js";

/**
 * Starts TensorFlow.js on WebAssembly, with one thread and the `Math` of Node.js, so that the
 * results have the same bytes.
 * @throws UserError if this browser lacks SIMD, which the kernels of fedclair need
 */
export async function startWasm(): Promise<string> {
  useNodeMath();
  setWasmPaths(new URL(".", location.href).href);
  env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  if (!(await env().getAsync("WASM_HAS_SIMD_SUPPORT")))
    throw new UserError("this browser has no SIMD for WebAssembly: use a newer one");
  const { reason } = await loadBackend("wasm");
  return reason.replace(/:.*/, "");
}
