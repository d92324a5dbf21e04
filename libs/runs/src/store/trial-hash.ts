import { createHash } from "node:crypto";
import { identifyPython, pluginIdentities, type Trial } from "@fedclair/core/internal";
import { version } from "../words/version.js";

/** Keys that do not change any number: names and claims. */
const wordKeys = new Set(["name", "claim", "expect"]);

/**
 * Hashes everything that a trial's numbers depend on, except the backend: the resolved trial and
 * the release. Returns 16 hex digits.
 */
export function trialHash(trial: Trial): string {
  // This limit only affects the exit code.
  const limits = { ...trial.limits, maxLost: undefined };
  // A trial in a run folder also names the modules of its plug-ins.
  const identities = pluginIdentities(trial).map(({ kind, name, version: own, hash }) => {
    return { kind, name, version: own, hash };
  });
  const used = {
    ...trial,
    limits,
    ...identifyPython(trial),
    ...(trial.plugins && { plugins: identities }),
  };
  const rest = Object.entries(used).filter(([key]) => !wordKeys.has(key));
  return createHash("sha256")
    .update(JSON.stringify([version, rest]))
    .digest("hex")
    .slice(0, 16);
}
