import { backendChoices, type BackendChoice } from "@fedclair/compute/choices";
import type { StoredRun } from "@fedclair/runs";

/** Chooses the backend of a run, as its numbers repeat on no other. */
export function backendOf({ info }: Pick<StoredRun, "info">): BackendChoice {
  return backendChoices.find((name) => name === info.backend) ?? "auto";
}
