// Checks the imports of all projects. A project may import what its layer allows. A file may not
// reach into another project by a relative path, nor name its own package. Core may not import a
// module of Node.js.
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join } from "node:path";
import { readImports } from "./lint/read-imports.js";

/** For each layer, those that it may import. A package has its layer in `nx.tags`. */
const allowed = {
  base: [],
  core: ["base"],
  threads: ["core", "base"],
  wire: ["core"],
  plugin: ["core", "base"],
  clair: ["plugin", "threads", "core", "base"],
  method: ["plugin", "core", "base"],
  plugins: ["method", "clair", "plugin", "threads", "core", "base"],
  "app-lib": ["app-lib", "core", "base"],
  view: ["app-lib", "plugins", "wire", "core", "base"],
  audit: ["view", "app-lib", "plugins", "clair", "plugin", "core", "base"],
  app: ["audit", "view", "app-lib", "plugins", "clair", "plugin", "wire", "core", "base"],
  e2e: ["audit", "view", "app-lib", "plugins", "clair", "plugin", "wire", "core", "base"],
};

const imports = await readImports();
const folders = new Set(
  [...imports.keys()].map((file) => /^(e2e|libs\/methods\/[^/]+|[^/]+\/[^/]+)\//.exec(file)[1]),
);
const projects = [...folders].map((folder) => {
  const { name, nx } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const layer = /^layer:(.*)/.exec(nx?.tags?.[0])?.[1];
  if (!Object.hasOwn(allowed, layer))
    throw new Error(`${folder}/package.json: expected a known layer in nx.tags, got ${layer}`);
  return { folder, name, layer };
});

function findFault(own, file, name) {
  if (name.startsWith(".")) {
    const target = join(dirname(file), name);
    return target.startsWith(`${own.folder}/`) ? undefined : "is a path into another project";
  }
  if (own.name === "@fedclair/core" && file.startsWith("libs/core/src/")) {
    const isNode = name.startsWith("node:") || builtinModules.includes(name);
    if (isNode && !file.endsWith(".test.ts")) return "is missing in a browser, where core must run";
  }
  const other = projects.find((one) => name === one.name || name.startsWith(`${one.name}/`));
  if (other === own) return "is the package of this file: use a relative path";
  if (!other || allowed[own.layer].includes(other.layer)) return undefined;
  return `is of layer ${other.layer}; ${own.layer} may import ${allowed[own.layer].join(", ")}`;
}

for (const [file, names] of imports) {
  const own = projects.find(({ folder }) => file.startsWith(`${folder}/`));
  for (const name of names) {
    const fault = findFault(own, file, name);
    if (fault === undefined) continue;
    console.log(`error: ${file}: the import '${name}' ${fault}`);
    process.exitCode = 1;
  }
}
