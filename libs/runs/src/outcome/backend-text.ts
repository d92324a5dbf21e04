import type { Run } from "../run.js";

/**
 * Formats the clients' backend with the reason for it: `wasm; as asked for`. Returns undefined if
 * the backend is unknown.
 */
export function backendText({
  summary: { backend },
  backendReason,
}: Pick<Run, "summary" | "backendReason">): string | undefined {
  if (backend === undefined || backendReason === undefined) return backend;
  return `${backend}; ${backendReason}`;
}
