// Bundles the scripts of pages with esbuild, without sources from elsewhere: the live page
// (apps/dashboard/page) as three static files, and the script inside reports (libs/report/page). It
// runs as the last step of npm run build, in less than a second.
import { cp, mkdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const [dashboard, report] = ["apps/dashboard", "libs/report"].map((project) => ({
  page: join(import.meta.dirname, "..", project, "page"),
  site: join(import.meta.dirname, "..", project, "dist/site"),
}));
const require = createRequire(join(dashboard.page, "../package.json"));
const { build } = require("esbuild");

const options = {
  bundle: true,
  minify: true,
  target: ["es2022", "chrome110", "firefox115", "safari16"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
};
for (const { site } of [dashboard, report]) {
  await rm(site, { recursive: true, force: true });
  await mkdir(site, { recursive: true });
}
await build({
  ...options,
  format: "esm",
  entryPoints: [
    { in: join(dashboard.page, "main.tsx"), out: "page" },
    { in: join(dashboard.page, "styles.css"), out: "page" },
  ],
  outdir: dashboard.site,
});
await cp(join(dashboard.page, "index.html"), join(dashboard.site, "index.html"));
await build({
  ...options,
  format: "iife",
  entryPoints: [{ in: join(report.page, "main.ts"), out: "report" }],
  outdir: report.site,
});
