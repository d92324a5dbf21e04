// Bundles the scripts of pages with esbuild, without sources from elsewhere: the live page
// (libs/view/page/live), the page on which a browser tab joins (apps/client-browser/page), and the
// script inside reports (libs/view/page/report). It runs as the last step of npm run build, in
// about a second.
import { cp, mkdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { buildAuditPage } from "./build-audit-page.js";
import { buildPlayground } from "./build-playground.js";

const workspace = join(import.meta.dirname, "..");
const [live, tab, report] = [
  { page: "libs/view/page/live", site: "libs/view/dist/site" },
  { page: "apps/client-browser/page", site: "apps/coordinator/dist/join-page" },
  { page: "libs/view/page/report", site: "libs/view/dist/report-site" },
].map(({ page, site }) => ({ page: join(workspace, page), site: join(workspace, site) }));
const require = createRequire(join(workspace, "libs/view/package.json"));
const { build } = require("esbuild");
const { version } = JSON.parse(await readFile(join(workspace, "apps/cli/package.json"), "utf8"));

const options = {
  bundle: true,
  minify: true,
  target: ["es2022", "chrome110", "firefox115", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
};
for (const { site } of [live, tab, report]) {
  await rm(site, { recursive: true, force: true });
  await mkdir(site, { recursive: true });
}
await build({
  ...options,
  format: "esm",
  entryPoints: [
    { in: join(live.page, "main.tsx"), out: "page" },
    { in: join(live.page, "styles.css"), out: "page" },
  ],
  outdir: live.site,
});
await cp(join(live.page, "index.html"), join(live.site, "index.html"));

/** Leaves out zod's messages in forty other languages: 39 kB gzipped. */
const onlyEnglish = {
  name: "only-english",
  setup({ onResolve }) {
    onResolve({ filter: /locales\/index\.js$/ }, ({ resolveDir }) =>
      resolveDir.includes("/zod/") ? { path: join(resolveDir, "../locales/en.js") } : undefined,
    );
  },
};

// An import of Node.js in what the worker needs ends the build here.
const training = {
  ...options,
  plugins: [onlyEnglish],
  define: { fedclairRelease: JSON.stringify(version) },
};
await build({
  ...training,
  format: "esm",
  splitting: true,
  chunkNames: "chunk-[hash]",
  loader: { ".wasm": "binary" },
  entryPoints: [
    { in: join(tab.page, "main.tsx"), out: "page" },
    { in: join(tab.page, "worker.ts"), out: "worker" },
    { in: join(tab.page, "styles.css"), out: "page" },
  ],
  outdir: tab.site,
});
await cp(join(tab.page, "index.html"), join(tab.site, "index.html"));
const tensorflow = dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json"));
const wasm = "tfjs-backend-wasm-simd.wasm";
const wasmFile = join(tensorflow, "dist", wasm);
await cp(wasmFile, join(tab.site, wasm));
await cp(join(workspace, "libs/tasks/assets"), join(tab.site, "data"), { recursive: true });
await buildPlayground(build, training, { workspace, tensorflow: wasmFile });

await build({
  ...options,
  format: "iife",
  entryPoints: [
    { in: join(report.page, "main.ts"), out: "report" },
    { in: join(report.page, "styles.css"), out: "report" },
  ],
  outdir: report.site,
});
await buildAuditPage(build, training, { workspace, report: report.site });
