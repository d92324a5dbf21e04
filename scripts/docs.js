// npm run docs [-- --no-api]: builds the documentation as a site in dist/docs, without a
// network. A link to a page, file or heading that does not exist ends it with an error. The
// playground and the page that audits are pages of their own. TypeDoc writes the pages of what the
// packages export to the folder api.
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "vitepress";
import { parseArguments } from "./arguments.js";
import { recordPage } from "./record-page.js";

const root = join(import.meta.dirname, "..");
const { values } = parseArguments({ options: { "no-api": { type: "boolean", default: false } } });

await build(join(root, "docs"));
cpSync(join(root, "apps/client-browser/dist/site"), join(root, "dist/docs"), { recursive: true });
await recordPage(join(root, "docs/.vitepress/presidents"), join(root, "dist/docs/presidents"));
if (!values["no-api"]) await writeApi(join(root, "dist/docs/api"));

async function writeApi(out) {
  const { Application } = await import("typedoc");
  const { mendApiPages } = await import("./api-pages.js");
  const modules = listModules();
  const app = await Application.bootstrap({
    name: "fedclair",
    entryPoints: modules.map(({ file }) => join(root, file)),
    tsconfig: join(root, "docs/.vitepress/tsconfig.json"),
    readme: "none",
    disableSources: true,
    disableGit: true,
    excludeExternals: true,
    excludePrivate: true,
    skipErrorChecking: true, // the build has checked the types
    githubPages: false,
    customCss: join(root, "docs/.vitepress/api.css"),
  });
  mendApiPages(app);
  const project = await app.convert();
  if (!project) throw new Error("TypeDoc: no project");
  for (const module of project.children) {
    // TypeDoc names a module by its path, such as core/dist/src/index.d.
    const { name } = modules.find(({ file }) => file.startsWith(module.name)) ?? module;
    module.name = name;
  }
  await app.generateDocs(project, out);
  if (app.logger.hasErrors()) throw new Error("TypeDoc: see above");
}

/**
 * Lists what users may import from the packages, with its declarations. They have the comments of
 * the source, and TypeDoc reads them in half the time.
 */
function listModules() {
  const libraries = readdirSync(join(root, "libs"))
    .filter((name) => name !== "methods") // trials name their plug-ins; nobody imports them
    .map((name) => join("libs", name));
  return [...libraries, "apps/cli", "apps/client"].flatMap((folder) => {
    const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    if (manifest.private) return [];
    return Object.entries(manifest.exports).flatMap(([path, { types }]) => {
      // `internal` and `cases` are for this repository; the others are parts of the whole.
      if (path !== "." && path !== "./testing") return [];
      return [{ name: join(manifest.name, path), file: join(folder, types) }];
    });
  });
}
