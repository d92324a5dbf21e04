import { cp, mkdir, readdir, readlink, symlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { temporaryFolder, workspace } from "./paths.js";

const parts = [
  "apps/cli",
  "docs/papers",
  "docs/clair-evidence.md",
  "libs",
  "scripts",
  "studies",
  "sweeps",
  "trials",
];

/**
 * Copies the built workspace, so that a test may break its code. Packages of others are links.
 * @returns the folder of the copy
 */
export async function copyWorkspace(): Promise<string> {
  const copy = await temporaryFolder();
  const isNeeded = (path: string) =>
    !/(^|\/)(fixtures|src)($|\/)|\.(map|ts)$/.test(withoutDist(path));
  for (const part of ["package.json", ...parts])
    await cp(join(workspace, part), join(copy, part), { recursive: true, filter: isNeeded });
  const packages = join(workspace, "node_modules");
  await mkdir(join(copy, "node_modules/@fedclair"), { recursive: true });
  for (const name of await readdir(packages))
    if (name !== "@fedclair") await symlink(join(packages, name), join(copy, "node_modules", name));
  for (const name of await readdir(join(packages, "@fedclair"))) {
    const target = await readlink(join(packages, "@fedclair", name));
    await symlink(target, join(copy, "node_modules/@fedclair", name));
  }
  return copy;
}

/** The path in the workspace, where src is what was not built. */
function withoutDist(path: string): string {
  return relative(workspace, path).replace("dist/src", "dist");
}
