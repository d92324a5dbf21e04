import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isInTest, lastCleanUps } from "./afterwards.js";

/** The root of the workspace, from `e2e/dist/src/support`. */
export const workspace = fileURLToPath(new URL("../../../../", import.meta.url));

/** Path of a trial file in `e2e/fixtures`. @param name file name without its ending */
export function fixture(name: string): string {
  return join(workspace, "e2e", "fixtures", `${name}.yaml`);
}

const folders: string[] = [];
const lasting: string[] = [];

/**
 * Creates an empty folder, which is removed after the test; one that a suite's `before` creates is
 * removed after all tests of the file.
 */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "fedclair-e2e-"));
  (isInTest() ? folders : lasting).push(folder);
  return folder;
}

export const removeTemporaryFolders = (): Promise<void> => removeAll(folders);
lastCleanUps.push(() => removeAll(lasting));

async function removeAll(list: string[]): Promise<void> {
  await Promise.all(
    list.splice(0).map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 3 })),
  );
}
