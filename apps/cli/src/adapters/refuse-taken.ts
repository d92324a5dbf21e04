import { stat } from "node:fs/promises";
import { UserError } from "@fedclair/core";
import { systemErrorCode } from "@fedclair/runs";

/**
 * @param option that names the targets, or where they are to lie
 * @throws UserError if something stands at one of the targets already, or nothing can be written there
 */
export async function refuseTaken(option: string, targets: readonly string[]): Promise<void> {
  for (const target of targets) {
    const code = await stat(target).then(
      () => "EEXIST",
      (error: unknown) => systemErrorCode(error) ?? error,
    );
    if (code === "ENOENT") continue;
    throw new UserError(
      code === "EEXIST"
        ? `${option}: '${target}' exists already; choose another path, nothing is overwritten`
        : `${option}: cannot write to '${target}': ${String(code)}`,
    );
  }
}
