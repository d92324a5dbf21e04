import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the workspace, from `e2e/dist/src/support`. */
export const workspace = fileURLToPath(new URL("../../../../", import.meta.url));

/** Path of a trial file in `e2e/fixtures`. @param name file name without its ending */
export function fixture(name: string): string {
  return join(workspace, "e2e", "fixtures", `${name}.yaml`);
}

const folders: string[] = [];

/** Creates an empty folder, which is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "fedclair-e2e-"));
  folders.push(folder);
  return folder;
}

export async function removeTemporaryFolders(): Promise<void> {
  await Promise.all(
    folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 3 })),
  );
}
