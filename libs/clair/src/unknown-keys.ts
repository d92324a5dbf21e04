import { excerpt } from "@fedclair/core";
import { didYouMean } from "@fedclair/core/internal";
import type { z } from "zod";

/**
 * Creates an error map for a strict object that gives advice on unknown keys. All other issues keep
 * their own messages.
 * @param adviseOn returns the end of the message, or undefined for a key that may be a typo
 */
export function explainUnknownKeys(
  adviseOn: (key: string, mapping: object) => string | undefined,
): z.core.$ZodErrorMap {
  return (issue) => {
    if (issue.code !== "unrecognized_keys") return undefined;
    const known = Object.keys((issue.inst as Partial<z.ZodObject> | undefined)?.shape ?? {});
    return issue.keys
      .map((key) => {
        const advice = adviseOn(key, issue.input as object) ?? didYouMean(key, known);
        return `unknown key '${excerpt(key)}'${advice}`;
      })
      .join("\n"); // `separateIssues` splits the lines again
  };
}
