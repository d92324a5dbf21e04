import type { Run } from "../run.js";

/** What the clients trained with, and why: `wasm; as asked for`. Undefined where nobody knows. */
export function backendText({
  summary: { backend },
  backendReason,
}: Pick<Run, "summary" | "backendReason">): string | undefined {
  if (backend === undefined || backendReason === undefined) return backend;
  return `${backend}; ${backendReason}`;
}
