import { stat } from "node:fs/promises";
import { UserError } from "@fedclair/core";
import { systemErrorCode } from "@fedclair/runs";

/**
 * Checks that nothing would be overwritten.
 * @param option the command-line option that determines the targets
 * @throws UserError if one of the targets exists already or cannot be written to
 */
export async function rejectExisting(option: string, targets: readonly string[]): Promise<void> {
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
