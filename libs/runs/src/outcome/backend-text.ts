import { backendChoices } from "@fedclair/compute/choices";
import type { Run } from "../run/read-run.js";

/**
 * Formats the clients' backend with the reason for it: `wasm; as asked for`. Other releases that
 * took part are added, because they affect the numbers in the same way. Returns undefined if the
 * backend is unknown.
 */
export function backendText({
  summary: { backend, otherReleases = [] },
  backendReason,
}: Pick<Run, "summary" | "backendReason">): string | undefined {
  if (backend === undefined) return undefined;
  const mixed = `hosts of other releases took part, so the numbers may not repeat: ${otherReleases.join(", ")}`;
  return [backend, backendReason, otherReleases.length > 0 ? mixed : undefined]
    .filter((part) => part !== undefined)
    .join("; ");
}

/**
 * Returns the label of a backend in texts. A backend of TensorFlow.js is chosen for every trial,
 * and it matters only to clients that use TensorFlow.js.
 */
export function backendLabel({ summary: { backend } }: Pick<Run, "summary">): string {
  const isTensorFlow = backendChoices.some((name) => name === backend);
  return isTensorFlow ? "backend for TensorFlow.js" : "backend of the clients";
}
