// npm run test:wheel: builds the wheel `fedclair`, installs it into an empty virtual environment,
// and uses it as someone without npm would. Runs of the wheel are compared with those of this
// checkout, byte by byte. Skips with a message if there is no Python or no package index.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";
import { parquetWriteBuffer } from "hyparquet-writer";
import { exitSkipped, pipOptions } from "./package-index.js";

const workspace = resolve(import.meta.dirname, "..");
const folder = await mkdtemp(join(tmpdir(), "fedclair-wheel-test-"));
const environment = join(folder, "environment");
const bin = (name) => join(environment, "bin", name);
try {
  await testWheel();
} catch (error) {
  if (error.code !== exitSkipped) throw error;
  console.log(`tests of the wheel skipped: ${error.stderr.trim()}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function testWheel() {
  const wheel = (await run(process.execPath, [join(workspace, "scripts/wheel.js")])).trim();
  await run("python3", ["-m", "venv", environment]);
  const install = ["install", ...pipOptions];
  await run(bin("python"), ["-m", "pip", ...install, `${wheel}[pandas]`]);
  expectMatch(await run(bin("fedclair"), ["--version"]), /^\d+\.\d+\.\d+\n$/);

  for (const fixture of ["text-copy.yaml", "linear-regression.yaml"]) await compareRuns(fixture);
  const out = join(folder, "text-copy.yaml");
  expectMatch(await run(bin("fedclair"), ["report", out]), /report\.html/);
  await readPage();
  console.log("the bytes of runs, a report and the live page: ok");

  await run(bin("fedclair"), ["new", "my-study"]);
  const study = join(folder, "my-study");
  expectMatch(await run(bin("fedclair"), ["run", "trial.yaml"], study), /flagged 3 of 3/);
  await run(bin("fedclair"), ["new", "my-pile", "--template", "lora-audit"]);
  const pile = join(folder, "my-pile");
  await symlink(join(workspace, "node_modules"), join(pile, "node_modules"));
  await run(process.execPath, ["make-adapters.js"], pile);
  await rm(join(pile, "node_modules"));
  const audit = await run(bin("fedclair"), ["audit", "adapters", "--html", "audit.html"], pile);
  expectMatch(audit, /3 of 12 adapters are contaminated/);
  console.log("plug-ins without npm, and an audit: ok");

  const examples = join(folder, "examples");
  await cp(join(workspace, "apps/client-python/examples"), examples, { recursive: true });
  expectMatch(await run(bin("fedclair"), ["run", "linear.yaml"], examples), /flagged 6 of 6/);
  const script = `import fedclair; print(fedclair.audit("adapters").status.value_counts())`;
  expectMatch(await run(bin("python"), ["-c", script], pile), /contaminated +3/);
  console.log("clients in Python, and Python's audit: ok");

  await writeFile(join(folder, "rows.parquet"), writeRows());
  const source = "{ file: rows.parquet, columns: { label: kind } }";
  const trial = `name: own\nrounds: 1\nclients: 2\ntask: { name: table, source: ${source} }\naggregator: { name: fedavg }\n`;
  await writeFile(join(folder, "own.yaml"), trial);
  expectMatch(await run(bin("fedclair"), ["run", "own.yaml"]), /benign accuracy/);
  console.log("a table in Parquet: ok");
}

function writeRows() {
  const even = Array.from({ length: 40 }, (_, i) => i % 2);
  const columnData = [
    { name: "size", type: "DOUBLE", data: even },
    { name: "kind", type: "STRING", data: even.map((one) => (one ? "odd" : "even")) },
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

/** Runs a trial with the wheel and with this checkout, and compares the records. */
async function compareRuns(fixture) {
  const trial = join(workspace, "e2e/fixtures", fixture);
  const outs = [join(folder, fixture), join(folder, `npm-${fixture}`)];
  const rest = ["--hosts", "2", "--no-report"];
  await run(bin("fedclair"), ["run", trial, "--out", outs[0], ...rest]);
  const command = join(workspace, "apps/cli/bin/fedclair.js");
  await run(process.execPath, [command, "run", trial, "--out", outs[1], ...rest]);
  for (const file of ["records.jsonl", "params.safetensors"]) {
    const [ours, theirs] = await Promise.all(outs.map((out) => readFile(join(out, file))));
    if (!ours.equals(theirs)) throw new Error(`${fixture}: ${file} differs from that of npm`);
  }
}

/** Runs a trial with its live page, and reads the page while the run is shown. */
async function readPage() {
  const trial = join(workspace, "e2e/fixtures/linear-regression.yaml");
  const args = ["run", trial, "--open", "--no-report", "--out", join(folder, "open")];
  const env = { ...process.env, DISPLAY: "", WAYLAND_DISPLAY: "" };
  const child = spawn(bin("fedclair"), args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close");
  const address = /http:\/\/127\.0\.0\.1:\d+/;
  let printed = "";
  for await (const text of child.stderr.setEncoding("utf8")) {
    printed += text;
    // On a busy machine a short run ends before the page's process has started.
    if (/stays open until/.test(printed) && address.test(printed)) break;
  }
  const [url] = address.exec(printed) ?? [];
  if (url === undefined) throw new Error(`the page has no address in\n${printed}`);
  for (const [path, type] of [
    ["/", "text/html"],
    ["/page.js", "text/javascript"],
  ]) {
    const { status, headers } = await fetch(url + path);
    if (status !== 200) throw new Error(`${path} of the page: status ${status}`);
    expectMatch(headers.get("content-type"), new RegExp(type));
  }
  child.kill("SIGINT");
  await ended;
}

/** @returns stdout */
async function run(program, args, cwd = folder) {
  const options = { cwd, maxBuffer: 2 ** 26, env: { ...process.env, NO_COLOR: "1" } };
  try {
    const { stdout } = await promisify(execFile)(program, args, options);
    return stdout;
  } catch (error) {
    const words = [program, ...args].map((word) => basename(word)).join(" ");
    error.message = `${words}\n${error.stdout}\n${error.stderr}`;
    throw error;
  }
}

function expectMatch(text, pattern) {
  if (!pattern.test(text)) throw new Error(`expected ${pattern} in\n${text}`);
}
