// Bundles the live page (apps/dashboard/page) with esbuild: three static files, without sources
// from elsewhere. It runs as the last step of npm run build, in less than a second.
import { cp, mkdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const dashboard = join(import.meta.dirname, "../apps/dashboard");
const site = join(dashboard, "dist/site");
const require = createRequire(join(dashboard, "package.json"));
const { build } = require("esbuild");

await rm(site, { recursive: true, force: true });
await mkdir(site, { recursive: true });
await build({
  entryPoints: [
    { in: join(dashboard, "page/main.tsx"), out: "page" },
    { in: join(dashboard, "page/styles.css"), out: "page" },
  ],
  outdir: site,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome110", "firefox115", "safari16"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
});
await cp(join(dashboard, "page/index.html"), join(site, "index.html"));
