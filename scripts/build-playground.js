// Bundles the playground of the documentation's site (apps/client-browser/playground) into
// apps/client-browser/dist/site/playground. It has the engine that the command has, with the parts
// that need Node.js left out: an import of Node.js that is still in the bundle ends the build.
import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildOffline } from "./build-offline.js";

/**
 * Leaves modules of Node.js out if nothing that the page needs calls them. The packages of
 * fedclair are declared to be free of side effects, so the bundler removes the modules that do.
 */
const withoutNode = {
  name: "without-node",
  setup({ onLoad, onResolve }) {
    const leaveOut = ({ path }) => ({ path, external: true, sideEffects: false });
    onResolve({ filter: /^(node:.*|events|readline)$/ }, (one) =>
      neverCalled.test(one.importer) ? { path: one.path, namespace: "absent" } : leaveOut(one),
    );
    onLoad({ filter: /./, namespace: "absent" }, () => ({ contents: "module.exports = {}" }));
    // A run imports it only for a trial file that is a sweep.
    onResolve({ filter: /\/sweep-file\.js$/ }, leaveOut);
  },
};

/** The page starts no thread and reads no file, and does not offer the rule ffa-lora. */
const neverCalled = /\/libs\/(threads\/|rules\/.*\/ffa-lora\/)/;

/**
 * @param {Function} build esbuild's
 * @param {object} options those of all pages
 * @param {{ workspace: string, tensorflow: string }} places of the repository and of the WASM file
 */
export async function buildPlayground(build, options, { workspace, tensorflow }) {
  const page = join(workspace, "apps/client-browser/playground");
  const site = join(workspace, "apps/client-browser/dist/site/playground");
  await rm(site, { recursive: true, force: true });
  await mkdir(site, { recursive: true });
  const { plugins, ...others } = options;
  const { metafile } = await build({
    ...others,
    format: "esm",
    splitting: true,
    chunkNames: "chunk-[hash]",
    loader: { ".wasm": "binary" },
    plugins: [withoutNode, ...plugins],
    metafile: true,
    entryPoints: [
      { in: join(page, "main.tsx"), out: "page" },
      { in: join(page, "worker.ts"), out: "worker" },
      { in: join(page, "styles.css"), out: "page" },
    ],
    outdir: site,
    absWorkingDir: site,
  });
  for (const [file, { imports }] of Object.entries(metafile.outputs)) {
    const [outside] = imports.filter(({ external }) => external);
    if (outside) throw new Error(`${file}: ${outside.path} is missing in a browser`);
  }
  await cp(join(page, "index.html"), join(site, "index.html"));
  await cp(tensorflow, join(site, "tfjs-backend-wasm-simd.wasm"));
  await mkdir(join(site, "data"));
  const base = "text-copy-20.safetensors";
  await cp(join(workspace, "libs/tasks/assets", base), join(site, "data", base));
  await buildOffline(build, options, { name: "playground", workspace, site });
}
