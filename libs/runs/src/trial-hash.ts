import { createHash } from "node:crypto";
import type { Trial } from "@fedclair/core/internal";
import { version } from "./version.js";

/** What a trial is called and said to show changes none of its numbers. */
const words = new Set(["name", "claim", "expect"]);

/** Of all that a trial's numbers depend on, but for the backend: the trial as it runs, and the release. 16 hex digits. */
export function trialHash(trial: Trial): string {
  // What its exit code tells changes no number either.
  const limits = { ...trial.limits, maxLost: undefined };
  const rest = Object.entries({ ...trial, limits }).filter(([key]) => !words.has(key));
  return createHash("sha256")
    .update(JSON.stringify([version, rest]))
    .digest("hex")
    .slice(0, 16);
}
