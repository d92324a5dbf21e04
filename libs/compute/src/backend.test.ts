import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { backendsFor, loadBackend } from "./backend.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const run = promisify(execFile);

/**
 * Runs code in a separate process, because a process keeps its first backend, and parses its
 * output.
 */
async function inNewProcess(code: string, backend = "auto", folder = here): Promise<unknown> {
  const module = JSON.stringify(join(folder, "backend.js"));
  const source = `import { backendsFor, chooseBackend, loadBackend } from ${module}; console.log(JSON.stringify(${code}))`;
  const args = ["--input-type=module", "--eval", source];
  const env = { ...process.env, FEDCLAIR_BACKEND: backend };
  const { stdout, stderr } = await run(process.execPath, args, { env });
  assert.equal(stderr, "", "nothing on the user's terminal");
  return JSON.parse(stdout);
}

const asReport = ".then(({ tf, name, reason }) => [name, tf.getBackend(), reason])";
const hasTensorFlow = backendsFor("auto").includes("tensorflow");

describe("loadBackend", () => {
  it("runs cpu when asked, and reports it; its advertisement does not reach the user's terminal", async () => {
    const result = await inNewProcess(`await loadBackend("cpu")${asReport}`);
    assert.deepEqual(result, ["cpu", "cpu", "cpu: as asked for"]);
    assert.equal(await inNewProcess(`(await loadBackend("cpu")).tf.scalar(3).arraySync()`), 3);
  });

  it("runs wasm by default", async () => {
    const result = await inNewProcess(`await loadBackend()${asReport}`);
    assert.match(String(result), /^wasm,wasm,wasm \((no )?SIMD\): the one that is always there$/);
  });

  it("returns the same backend to each caller", async () => {
    const [first, second] = await Promise.all([loadBackend(), loadBackend()]);
    assert.equal(first, second);
    assert.equal(first.tf.getBackend(), first.name);
  });

  it("rejects a second backend in one process", async () => {
    const { name } = await loadBackend();
    await assert.rejects(
      loadBackend(name === "cpu" ? "wasm" : "cpu"),
      new RegExp(`already runs "${name}"`),
    );
  });

  it("names the missing package, and then accepts another choice", async function () {
    if (hasTensorFlow) this.skip();
    const result = await inNewProcess(
      `[await loadBackend("tensorflow").catch((e) => e.message), (await loadBackend("wasm")).name]`,
    );
    assert.match(String(result), /"tensorflow" here: @tensorflow\/tfjs-node is not .*,wasm$/);
  });

  it("multiplies matrices, and disposes of tensors in a tidy", async () => {
    const { tf } = await loadBackend();
    const before = tf.memory().numTensors;
    const product = [0, 0];
    tf.tidy(() => {
      const y = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([1, 1], [2, 1]));
      product.splice(0, 2, ...y.dataSync());
      assert.equal(tf.memory().numTensors, before + 3);
    });
    assert.deepEqual(product, [3, 7]);
    assert.equal(tf.memory().numTensors, before);
  });

  it("runs TensorFlow's library on one thread and without oneDNN, which changes bytes", async function () {
    if (!hasTensorFlow) this.skip();
    const names = ["INTRAOP_THREADS", "INTEROP_THREADS"].map((name) => `TF_NUM_${name}`);
    const result = await inNewProcess(
      `[(await loadBackend("tensorflow")).reason, ...${JSON.stringify([...names, "TF_ENABLE_ONEDNN_OPTS"])}.map((name) => process.env[name])]`,
    );
    assert.deepEqual(result, ["tensorflow: as asked for", "1", "1", "0"]);
  });
});

describe("chooseBackend", () => {
  const choose = (args: string, backend?: string) =>
    inNewProcess(`[chooseBackend(${args}), (await loadBackend()).name]`, backend);

  it("chooses wasm if nothing is faster, and otherwise the backend requested by name", async () => {
    const wasm = { name: "wasm", why: "as fast as any for this task" };
    assert.deepEqual(await choose('"auto"'), [wasm, "wasm"]);
    const cpu = { name: "cpu", why: "as asked for" };
    assert.deepEqual(await choose('"cpu", "tensorflow"'), [cpu, "cpu"]);
  });

  it("chooses TensorFlow's library if it is faster and installed, and otherwise reports what is missing", async () => {
    const [choice, name] = (await choose('"auto", "tensorflow"')) as [{ why: string }, string];
    assert.equal(name, hasTensorFlow ? "tensorflow" : "wasm");
    assert.match(
      choice.why,
      hasTensorFlow ? /^the faster one/ : /^tensorflow is faster .* is not installed \(.*npm run/,
    );
  });

  it("lets FEDCLAIR_BACKEND decide only if the choice is auto", async () => {
    const cpu = { name: "cpu", why: "as FEDCLAIR_BACKEND says" };
    assert.deepEqual(await choose('"auto", "tensorflow"', "cpu"), [cpu, "cpu"]);
    assert.deepEqual(await inNewProcess('backendsFor("auto")', "cpu"), ["cpu"]);
    assert.deepEqual(await inNewProcess('backendsFor("wasm")', "cpu"), ["wasm"]);
    await assert.rejects(choose('"auto"', "gpu"), /FEDCLAIR_BACKEND is "gpu": expected one of/);
  });

  it("ignores an empty FEDCLAIR_BACKEND", async () => {
    const [choice] = (await choose('"auto"', "")) as [{ why: string }];
    assert.equal(choice.why, "as fast as any for this task");
  });
});

describe("TensorFlow's library, installed and broken", () => {
  let root: string;
  let compute: string;

  // A copy of this package next to a copy of @tensorflow/tfjs-node with a broken add-on.
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "fedclair-"));
    compute = join(root, "dist/src");
    await cp(here, compute, { recursive: true });
    await cp(join(here, "../../gen"), join(root, "gen"), { recursive: true });
    await cp(join(here, "../../package.json"), join(root, "package.json"));
    const packages = join(root, "node_modules/@tensorflow");
    const broken = join(packages, "tfjs-node");
    await mkdir(join(broken, "lib/napi-v8"), { recursive: true });
    await writeFile(join(broken, "package.json"), '{ "main": "index.js" }');
    const addon = "lib/napi-v8/tfjs_binding.node";
    await writeFile(join(broken, addon), "");
    await writeFile(join(broken, "index.js"), `require("./${addon}")`);
    for (const name of ["tfjs-core", "tfjs-backend-wasm"]) {
      const path = fileURLToPath(import.meta.resolve(`@tensorflow/${name}/package.json`));
      await symlink(dirname(path), join(packages, name));
    }
  });

  after(() => rm(root, { recursive: true }));

  const inCopy = (code: string) => inNewProcess(code, "auto", compute);
  const why = /@tensorflow\/tfjs-node does not load: .+ \(in a checkout: npm run tfjs-node; else/;

  it("is not chosen by auto, which reports the reason", async () => {
    const [choice, name] = (await inCopy(
      `[chooseBackend("auto", "tensorflow"), (await loadBackend()).name]`,
    )) as [{ name: string; why: string }, string];
    assert.deepEqual([choice.name, name], ["wasm", "wasm"]);
    assert.match(choice.why, /^tensorflow is faster for this task, and @/);
    assert.match(choice.why, why);
  });

  it("is rejected with advice if requested by name", async () => {
    await assert.rejects(inCopy(`chooseBackend("tensorflow")`), why);
    const message = await inCopy(`await loadBackend("tensorflow").catch(({ message }) => message)`);
    assert.match(String(message), why);
  });
});
