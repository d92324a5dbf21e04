import { backendChoices } from "@fedclair/compute";
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

/**
 * Returns the label of a backend in texts. A backend of TensorFlow.js is chosen for every trial,
 * and it matters only to clients that use TensorFlow.js.
 */
export function backendLabel({ summary: { backend } }: Pick<Run, "summary">): string {
  const isTensorFlow = backendChoices.some((name) => name === backend);
  return isTensorFlow ? "backend for TensorFlow.js" : "backend of the clients";
}
