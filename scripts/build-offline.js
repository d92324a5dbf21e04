// Bundles the service worker of a page of the documentation's site, which knows all its files.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

/**
 * @param {Function} build esbuild's
 * @param {object} options those of all pages
 * @param {{ name: string, workspace: string, site: string }} page its name and its finished folder
 */
export async function buildOffline(build, options, { name, workspace, site }) {
  const entries = await readdir(site, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(site, join(parentPath, name)))
    .sort();
  const hash = createHash("sha256");
  for (const file of files) hash.update(await readFile(join(site, file)));
  await build({
    ...options,
    define: {
      offlinePage: JSON.stringify(name),
      offlineFiles: JSON.stringify(files),
      offlineHash: JSON.stringify(hash.digest("hex").slice(0, 12)),
    },
    entryPoints: [{ in: join(workspace, "apps/client-browser/page/offline.ts"), out: "offline" }],
    outdir: site,
  });
}
