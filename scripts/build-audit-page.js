// Bundles the page that audits dropped folders (apps/client-browser/audit) into
// apps/client-browser/dist/site/audit. It has the audit of the command; what the audit needs of
// Node.js comes from apps/client-browser/audit/node, where files are those that a visitor chose.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hashSource } from "../libs/view/dist/src/report/hash-source.js";
import { buildOffline } from "./build-offline.js";

/** What only names on a hub, sweeps and pictures need. */
const neverCalled = /\/hub\/[\w-]+\.js$|\/(?:sweep-file|draw-png|draw-pdf)\.js$/;

const ownModules = [
  [/^node:fs(\/promises)?$/, "fs.ts"],
  [/^node:(crypto|os|async_hooks|events)$/, "others.ts"],
];

/**
 * @param {Function} build esbuild's
 * @param {{ plugins: object[] }} options those of all pages
 * @param {{ workspace: string, report: string }} places of the repository, and of
 *   the script and the style of reports
 */
export async function buildAuditPage(build, options, { workspace, report }) {
  const page = join(workspace, "apps/client-browser/audit");
  const site = join(workspace, "apps/client-browser/dist/site/audit");
  await rm(site, { recursive: true, force: true });
  await mkdir(site, { recursive: true });
  const inReports = {};
  for (const name of ["report.js", "report.css"])
    inReports[name] = (await readFile(join(report, name), "utf8")).trimEnd();
  const here = {
    name: "node-in-browser",
    setup({ onLoad, onResolve }) {
      // A module of CommonJS, because the audit never calls many functions that its parts import.
      for (const [filter, file] of ownModules) {
        onResolve({ filter }, () => ({ path: join(page, "node", file), namespace: "own" }));
      }
      onLoad({ filter: /./, namespace: "own" }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)})`,
        resolveDir: page,
      }));
      onResolve({ filter: /^node:path$/ }, () => ({
        path: join(workspace, "node_modules/path-browserify/index.js"),
      }));
      const absent = ({ path }) => ({ path, namespace: "absent", sideEffects: false });
      onResolve({ filter: /^(node:.*|cli-progress)$/ }, absent);
      onResolve({ filter: neverCalled }, absent);
      onLoad({ filter: /./, namespace: "absent" }, () => ({ contents: "module.exports = {}" }));
      onLoad({ filter: /\/words\/version\.js$/ }, () => ({
        contents: "export const version = fedclairRelease",
      }));
      onLoad({ filter: /\/page-site\.js$/ }, () => ({
        contents: `export const readPageFile = (name) => (${JSON.stringify(inReports)})[name]`,
      }));
    },
  };
  const { plugins, ...others } = options;
  await build({
    ...others,
    format: "esm",
    splitting: true,
    chunkNames: "chunk-[hash]",
    loader: { ".wasm": "binary" },
    plugins: [here, ...plugins],
    inject: [join(page, "node/globals.ts")],
    entryPoints: [
      { in: join(page, "main.tsx"), out: "page" },
      { in: join(page, "worker.ts"), out: "worker" },
      { in: join(page, "styles.css"), out: "page" },
    ],
    outdir: site,
  });
  // Vega compiles the expressions of figures.
  const scripts = `'self' 'unsafe-eval' blob: ${hashSource(inReports["report.js"])}`;
  const styles = `'self' ${hashSource(inReports["report.css"])}`;
  const policy = `default-src 'none'; script-src ${scripts}; style-src ${styles}; worker-src 'self' blob:; img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'`;
  const index = await readFile(join(page, "index.html"), "utf8");
  await writeFile(join(site, "index.html"), index.replace("POLICY", policy));
  await buildOffline(build, options, { name: "audit", workspace, site });
}
