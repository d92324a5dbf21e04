// Bundles the command fedclair and everything that it starts, for an installation without npm.
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, posix, relative } from "node:path";

const workspace = join(import.meta.dirname, "../..");
const modules = join(workspace, "node_modules");
const require = createRequire(join(workspace, "libs/view/package.json"));
const { build } = require("esbuild");

/**
 * Packages that the bundle resolves while it runs, by name, with their entry points. The methods
 * are such packages too. Plug-ins from outside import core, linalg and zod, and programs are
 * started as processes.
 */
const resolvedPackages = {
  "@fedclair/core": [".", "./errors", "./internal", "./text"],
  "@fedclair/linalg": ["."],
  "@fedclair/coordinator": ["./main"],
  "@fedclair/client": ["./main"],
  "@fedclair/view": ["./main"],
  zod: [".", "./v4"],
};

/** Packages that find files of their own, or that are chosen at run time, with what they need. */
const copiedPackages = {
  cephes: /^index\.js$/,
  seedrandom: /^(index|lib\/[a-z0-9]+)\.js$/,
  "@tensorflow/tfjs-core": /^dist\/tf-core\.node\.js$/,
  "@tensorflow/tfjs-backend-cpu": /^dist\/tf-backend-cpu\.node\.js$/,
  "@tensorflow/tfjs-backend-wasm":
    /^dist\/(tf-backend-wasm\.node\.js|tfjs-backend-wasm(-simd)?\.wasm)$/,
  vega: /^build\/vega\.min\.js$/,
  "vega-lite": /^build\/vega-lite\.min\.js$/,
};

/** The packages in the one file of vega. */
const inFigures = /^(vega|d3-|topojson-client$|delaunator$|internmap$|robust-predicates$)/;

/** Optional packages: native code, and queues of Valkey. Without them there are no PNG files. */
const absentPackages = [
  "@expo-google-fonts/arimo",
  "@resvg/resvg-js",
  "@tensorflow/tfjs-node",
  "bufferutil",
  "bullmq",
  "ioredis",
  "utf-8-validate",
];

/** CommonJS modules in the bundle load modules of Node.js by these names. */
const banner = `import { createRequire as createBundleRequire } from "node:module";
import { dirname as bundleDirname } from "node:path";
import { fileURLToPath as bundleFile } from "node:url";
const require = createBundleRequire(import.meta.url);
const __filename = bundleFile(import.meta.url);
const __dirname = bundleDirname(__filename);`;

/**
 * Writes the bundle. Start it with `node folder/bin/fedclair.js`.
 *
 * Code and resources find each other as they do in the npm packages: by `imports` of a
 * package.json, and by packages in node_modules. Here there is one package.json with the `imports`
 * of all packages, and node_modules has modules that only export parts of the bundle.
 * @param folder an empty folder
 */
export async function bundle(folder) {
  const { scripts, files } = await readResources();
  const entries = { "bin/fedclair": join(workspace, "apps/cli/bin/fedclair.js") };
  const imports = {};
  for (const [name, file] of scripts) {
    entries[`scripts/${name}`] = file;
    imports[`#${name}`] = `./scripts/${name}.js`;
  }
  for (const [name, path] of files) {
    imports[`#${name}`] = `./resources/${name}`;
    await cp(path, join(folder, "resources", name), { recursive: true });
  }
  const packages = await readResolvedPackages();
  for (const { points } of packages) {
    for (const { out, file } of points) entries[out] = file;
  }
  const { metafile } = await build({
    entryPoints: Object.entries(entries).map(([out, file]) => ({ in: file, out })),
    outdir: folder,
    absWorkingDir: workspace,
    bundle: true,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node24",
    banner: { js: banner },
    external: [...Object.keys(copiedPackages), ...absentPackages],
    keepNames: true,
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  const { version } = await readJson(join(workspace, "apps/cli/package.json"));
  const manifest = { name: "fedclair", version, type: "module", imports };
  await writeJson(join(folder, "package.json"), {
    ...manifest,
    imports: { ...imports, "#manifest": "./package.json" },
  });
  for (const one of packages) await writeResolvedPackage(folder, one, metafile);
  for (const [name, needed] of Object.entries(copiedPackages)) {
    await copyPackage(name, needed, join(folder, "node_modules", name));
  }
  await writeFile(join(folder, "LICENSES.txt"), await collectLicences(metafile));
}

/**
 * Reads the `imports` of all packages: scripts that are started as threads or processes, and
 * other files and folders.
 */
async function readResources() {
  const scripts = new Map();
  const files = new Map();
  for (const parent of ["libs", "libs/methods", "apps"]) {
    for (const project of await readdir(join(workspace, parent))) {
      const place = join(workspace, parent, project);
      const manifest = await readJson(join(place, "package.json")).catch(() => ({}));
      for (const [key, target] of Object.entries(manifest.imports ?? {})) {
        // esbuild follows these
        const isStatic = key.includes("*") || typeof target !== "string";
        if (isStatic || target === "./package.json") continue;
        (target.endsWith(".js") ? scripts : files).set(key.slice(1), join(place, target));
      }
    }
  }
  return { scripts, files };
}

async function readResolvedPackages() {
  const methods = await readdir(join(workspace, "libs/methods"));
  const wanted = [
    ...Object.entries(resolvedPackages),
    ...methods.map((method) => [`@fedclair/${method}`, ["."]]),
  ];
  const all = wanted.map(async ([name, subpaths]) => {
    const place = join(modules, name);
    const { version, exports, fedclair } = await readJson(join(place, "package.json"));
    const points = subpaths.map((subpath) => {
      const target = exports[subpath] ?? exports; // one entry point may stand for the package
      const file = typeof target === "string" ? target : (target.import ?? target.default);
      const base = subpath === "." ? "index" : subpath.slice(2);
      return { subpath, base, out: `packages/${name}/${base}`, file: join(place, file) };
    });
    return { name, version, fedclair, points };
  });
  return await Promise.all(all);
}

/** Writes a package into node_modules that exports parts of the bundle. */
async function writeResolvedPackage(folder, { name, version, fedclair, points }, metafile) {
  const place = join(folder, "node_modules", name);
  await mkdir(place, { recursive: true });
  const exports = Object.fromEntries(points.map(({ subpath, base }) => [subpath, `./${base}.js`]));
  exports["./package.json"] = "./package.json"; // `fedclair` in it names the plug-ins of a method
  await writeJson(join(place, "package.json"), {
    name,
    version,
    type: "module",
    exports,
    fedclair,
  });
  for (const { base, out } of points) {
    const output = relative(workspace, join(folder, `${out}.js`));
    const from = JSON.stringify(`${posix.relative(`node_modules/${name}`, out)}.js`);
    const lines = [`export * from ${from};`];
    if (metafile.outputs[output].exports.includes("default")) {
      lines.push(`export { default } from ${from};`);
    }
    await writeFile(join(place, `${base}.js`), `${lines.join("\n")}\n`);
  }
}

async function copyPackage(name, needed, to) {
  const from = join(modules, name);
  const all = await readdir(from, { recursive: true });
  const wanted = all.filter((file) => file === "package.json" || needed.test(file));
  for (const file of wanted) await cp(join(from, file), join(to, file));
}

/** Collects the licences of all packages of others whose code is in the bundle. */
async function collectLicences(metafile) {
  const bundled = Object.keys(metafile.inputs).flatMap(
    (file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
  );
  const figures = (await readdir(modules)).filter((one) => inFigures.test(one));
  const names = [...new Set([...bundled, ...Object.keys(copiedPackages), ...figures])].sort();
  const texts = names.map(async (name) => {
    const place = join(modules, name);
    const { version, license } = await readJson(join(place, "package.json"));
    const file = (await readdir(place)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? "" : await readFile(join(place, file), "utf8");
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n\n`);
}

async function readJson(file) {
  return JSON.parse(await readFile(file, "utf8"));
}

async function writeJson(file, value) {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(value, null, 2) + "\n");
}
