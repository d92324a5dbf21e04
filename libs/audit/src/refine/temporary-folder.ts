import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for candidates, which is also removed when the process exits. */
interface TemporaryFolder {
  readonly path: string;
  readonly remove: () => Promise<void>;
}

/** @param signal after it has aborted, files may still be written until the process exits */
export async function createTemporaryFolder(signal: AbortSignal): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "fedclair-refine-"));
  const removeNow = () => {
    rmSync(path, { recursive: true, force: true });
  };
  process.once("exit", removeNow);
  return {
    path,
    remove: async () => {
      if (!signal.aborted) process.off("exit", removeNow);
      await rm(path, { recursive: true, force: true });
    },
  };
}
