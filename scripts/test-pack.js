// npm run test:pack: packs every package, checks the tarballs by publint and
// @arethetypeswrong/core, and installs them into empty folders. There it runs what a new user
// would: a program in TypeScript, a study with its own plug-ins, its tests, an audit, and a client
// host that is the only package installed. It prints the size of an installation and skips if the
// npm registry cannot be reached.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { parseArguments } from "./arguments.js";
import { listening, logOf } from "./log-of.js";

const attw = "@arethetypeswrong/core@0.18.5";
/** Folders of packages. */
const parents = ["libs", "libs/methods", "apps"];
/** A program of a new user. */
const program = `import { joinTrial } from "@fedclair/client";
import { run } from "fedclair";
const task = { name: "linear-regression" } as const;
const trial = { name: "t", rounds: 1, clients: 6, task, aggregator: { name: "krum" } } as const;
for await (const { kind } of run(trial, { out: "run" })) if (kind === "stopped") throw new Error();
console.log((await run(trial, { out: "run" })).status, typeof joinTrial);
`;
/** The packages have no CommonJS. */
const ignoredResolutions = ["node10", "node16-cjs"];
const { values } = parseArguments({ options: { keep: { type: "boolean", default: false } } });
const workspace = resolve(import.meta.dirname, "..");
const folder = await mkdtemp(join(tmpdir(), "fedclair-pack-"));
try {
  await testPack();
} finally {
  if (values.keep) console.log(`kept: ${folder}`);
  else await rm(folder, { recursive: true, force: true });
}

async function testPack() {
  const tarballs = await pack(join(folder, "tarballs"));
  for (const { file } of tarballs.values()) await checkManifest(file);
  console.log(`publint: ${tarballs.size} packages, no remark`);

  const whole = await install("whole", [...tarballs.keys()], tarballs, ["mocha@^12.0.3"]);
  if (!whole) return;
  const imported = [...tarballs.values()].filter(({ name }) => name !== "@fedclair/coordinator");
  await checkTypes(imported.map(({ file }) => file));
  console.log(`${attw}: no problem`);

  // Without --skipLibCheck, so that the declarations need nothing that is not installed.
  await writeFile(join(whole, "program.mts"), program);
  const compiler = join(workspace, "node_modules/typescript-7/bin/tsc");
  const options = ["--strict", "--module", "nodenext", "--target", "es2023"];
  await run("node", [compiler, ...options, "program.mts"], whole);
  expectMatch(await run("node", ["program.mjs"], whole), /^done function$/m);

  await run("npx", ["fedclair", "new", "my-study"], whole);
  const study = join(whole, "my-study");
  expectMatch(
    await run("npx", ["fedclair", "run", "trial.yaml", "--hosts", "2", "--name", "one"], study),
    /flagged 3 of 3/,
  );
  expectMatch(await run("npm", ["test"], study), /\d\d passing/);
  await run("npx", ["fedclair", "new", "my-pile", "--template", "lora-audit"], whole);
  const pile = join(whole, "my-pile");
  await run("node", ["make-adapters.js"], pile);
  const audit = await run("npx", ["fedclair", "audit", "adapters", "--html", "audit.html"], pile);
  expectMatch(audit, /3 of 12 adapters are contaminated/);

  const alone = await run(
    "npx",
    ["fedclair", "worker", "--queue", "redis://127.0.0.1"],
    whole,
  ).catch(({ stderr }) => stderr);
  expectMatch(
    alone,
    /--queue takes two packages that fedclair does without: npm install bullmq@6 ioredis@6/,
  );

  const host = await install("host", listWithDependencies("@fedclair/client", tarballs), tarballs);
  const plugins = join(host, "plugins");
  await mkdir(plugins);
  for (const file of ["package.json", "mean-estimation.js", "reverse.js"]) {
    await cp(join(study, file), join(plugins, file));
  }
  await runOverSockets(study, plugins);
  console.log("a study, its tests, an audit and a separately installed client host: ok");
}

/** @returns the tarballs with their manifests, by name */
async function pack(to) {
  await mkdir(to);
  const folders = parents.flatMap((parent) => ["--workspace", parent]);
  const args = ["pack", "--silent", ...folders];
  await run("npm", [...args, "--pack-destination", to], workspace);
  const packages = new Map();
  for (const parent of parents) {
    for (const project of await readdir(join(workspace, parent))) {
      const path = join(workspace, parent, project, "package.json");
      if (!existsSync(path)) continue; // Python's
      const manifest = JSON.parse(await readFile(path, "utf8"));
      if (manifest.private) continue; // bundled into others
      const file = `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`;
      packages.set(manifest.name, { ...manifest, file: join(to, file) });
    }
  }
  return packages;
}

/** @throws if publint has a remark about a tarball */
async function checkManifest(file) {
  const { buffer } = new Uint8Array(await readFile(file));
  const { messages, pkg } = await publint({
    pack: { tarball: buffer },
    level: "warning",
    strict: true,
  });
  if (messages.length > 0) {
    const remarks = messages.map((message) => formatMessage(message, pkg));
    throw new Error(`publint, ${basename(file)}:\n${remarks.join("\n")}`);
  }
}

/** @throws if TypeScript cannot resolve the types of a tarball */
async function checkTypes(files) {
  const to = join(folder, "attw");
  await mkdir(to);
  await run("npm", ["init", "--yes"], to);
  await run("npm", ["install", "--no-audit", "--no-fund", attw], to);
  const place = createRequire(join(to, "package.json")).resolve("@arethetypeswrong/core");
  const { checkPackage, createPackageFromTarballData } = await import(pathToFileURL(place));
  for (const file of files) {
    const tarball = createPackageFromTarballData(new Uint8Array(await readFile(file)));
    const { problems } = await checkPackage(tarball);
    const own = problems.filter(
      ({ resolutionKind, entrypoint = "" }) =>
        !ignoredResolutions.includes(resolutionKind) && !/\.css$|\/main$/.test(entrypoint),
    );
    if (own.length > 0) throw new Error(`${attw}, ${basename(file)}: ${JSON.stringify(own)}`);
  }
}

/** Lists a package and the packages of this repository that it depends on. */
function listWithDependencies(name, tarballs) {
  const names = new Set([name]);
  for (const one of names) {
    for (const needed of Object.keys(tarballs.get(one).dependencies ?? {})) {
      if (tarballs.has(needed)) names.add(needed);
    }
  }
  return [...names];
}

/** Installs packages into an empty folder. @returns the folder; undefined without a registry */
async function install(name, names, tarballs, others = []) {
  const to = join(folder, name);
  await mkdir(to);
  await run("npm", ["init", "--yes"], to);
  const files = names.map((one) => tarballs.get(one).file);
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
  try {
    await run("npm", ["install", ...quiet, ...files], to);
  } catch (error) {
    if (
      !/ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|E403|network/.test(
        String(error.stderr),
      )
    )
      throw error;
    console.log(`skipped: installing needs the npm registry (${error.stderr.split("\n")[0]})`);
    return undefined;
  }
  const packages = Object.keys(
    JSON.parse(await readFile(join(to, "node_modules/.package-lock.json"), "utf8")).packages,
  );
  const tools = packages.filter((one) =>
    /\/(nx|@nx\/.*|typescript|esbuild|assemblyscript|protobufjs-cli|mocha)$/.test(one),
  );
  if (tools.length > 0) throw new Error(`build tools are installed: ${tools.join(", ")}`);
  const duplicates = ["zod", "@fedclair/core"].filter(
    (one) => packages.filter((path) => path.endsWith(`node_modules/${one}`)).length !== 1,
  );
  if (duplicates.length > 0) throw new Error(`expected one copy of ${duplicates.join(" and ")}`);
  const megabytes = Math.round((await countBytes(join(to, "node_modules"))) / 1e6);
  console.log(`${name}: ${packages.length} packages, ${megabytes} MB`);
  if (others.length > 0) await run("npm", ["install", ...quiet, ...others], to);
  return to;
}

async function countBytes(path) {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map((file) => stat(join(file.parentPath, file.name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

/** Runs a coordinator of one installation with a client host of another. */
async function runOverSockets(study, plugins) {
  const out = join(folder, "two-installations");
  const coordinator = spawn("npx", ["fedclair", "coordinator", "trial.yaml", "--out", out], {
    cwd: study,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [, url] = await logOf(coordinator).waitFor(listening);
  const modules = ["--plugin", "./mean-estimation.js", "--plugin", "./reverse.js"];
  const args = ["fedclair-client", "--coordinator", url, "--capacity", "12", ...modules];
  const ended = once(coordinator, "close");
  await run("npx", args, plugins);
  const [code] = await ended;
  if (code !== 0) throw new Error(`the coordinator ended with ${code}`);
  const [one, two] = await Promise.all(
    [join(study, "runs/one"), out].map((run) => readFile(join(run, "records.jsonl"), "utf8")),
  );
  if (one !== two) throw new Error("the records of two installations differ from those of one");
}

/** @returns stdout */
async function run(program, args, cwd) {
  const options = { cwd, maxBuffer: 2 ** 26, env: { ...process.env, NO_COLOR: "1" } };
  try {
    const { stdout } = await promisify(execFile)(program, args, options);
    return stdout;
  } catch (error) {
    error.message = `${program} ${args.map((word) => basename(word)).join(" ")}\n${error.stdout}\n${error.stderr}`;
    throw error;
  }
}

function expectMatch(text, pattern) {
  if (!pattern.test(text)) throw new Error(`expected ${pattern} in\n${text}`);
}
