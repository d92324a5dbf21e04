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

/** Runs code in a process of its own, because a process keeps its first backend, and parses what it prints. */
async function inNewProcess(code: string, backend = "auto", folder = here): Promise<unknown> {
  const module = JSON.stringify(join(folder, "backend.js"));
  const source = `import { backendsFor, chooseBackend, loadBackend } from ${module}; console.log(JSON.stringify(${code}))`;
  const args = ["--input-type=module", "--eval", source];
  const env = { ...process.env, FEDCLAIR_BACKEND: backend };
  const { stdout, stderr } = await run(process.execPath, args, { env });
  assert.equal(stderr, "", "nothing on the user's terminal");
  return JSON.parse(stdout);
}

const told = ".then(({ tf, name, reason }) => [name, tf.getBackend(), reason])";
const hasTensorFlow = backendsFor("auto").includes("tensorflow");

describe("loadBackend", () => {
  it("runs cpu when asked, and says so; its advertisement is not on the user's terminal", async () => {
    const result = await inNewProcess(`await loadBackend("cpu")${told}`);
    assert.deepEqual(result, ["cpu", "cpu", "cpu: as asked for"]);
    assert.equal(await inNewProcess(`(await loadBackend("cpu")).tf.scalar(3).arraySync()`), 3);
  });

  it("runs wasm when nothing is said", async () => {
    const result = await inNewProcess(`await loadBackend()${told}`);
    assert.match(String(result), /^wasm,wasm,wasm \((no )?SIMD\): the one that is always there$/);
  });

  it("gives each caller the same backend", async () => {
    const [first, second] = await Promise.all([loadBackend(), loadBackend()]);
    assert.equal(first, second);
    assert.equal(first.tf.getBackend(), first.name);
  });

  it("refuses a second backend in one process", async () => {
    const { name } = await loadBackend();
    await assert.rejects(
      loadBackend(name === "cpu" ? "wasm" : "cpu"),
      new RegExp(`already runs "${name}"`),
    );
  });

  it("names what is missing, and then still takes another choice", async function () {
    if (hasTensorFlow) this.skip();
    const result = await inNewProcess(
      `[await loadBackend("tensorflow").catch((e) => e.message), (await loadBackend("wasm")).name]`,
    );
    assert.match(String(result), /"tensorflow" here: @tensorflow\/tfjs-node is not .*,wasm$/);
  });

  it("multiplies matrices, and forgets what a tidy made", async () => {
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

  it("takes wasm where nothing is faster, and what is asked for by name", async () => {
    const wasm = { name: "wasm", why: "as fast as any for this task" };
    assert.deepEqual(await choose('"auto"'), [wasm, "wasm"]);
    const cpu = { name: "cpu", why: "as asked for" };
    assert.deepEqual(await choose('"cpu", "tensorflow"'), [cpu, "cpu"]);
  });

  it("takes TensorFlow's library where that is faster and installed, else says what is missing", async () => {
    const [choice, name] = (await choose('"auto", "tensorflow"')) as [{ why: string }, string];
    assert.equal(name, hasTensorFlow ? "tensorflow" : "wasm");
    assert.match(
      choice.why,
      hasTensorFlow ? /^the faster one/ : /^tensorflow is faster .* is not installed \(.*npm run/,
    );
  });

  it("lets FEDCLAIR_BACKEND decide in place of auto, and of nothing else", async () => {
    const cpu = { name: "cpu", why: "as FEDCLAIR_BACKEND says" };
    assert.deepEqual(await choose('"auto", "tensorflow"', "cpu"), [cpu, "cpu"]);
    assert.deepEqual(await inNewProcess('backendsFor("auto")', "cpu"), ["cpu"]);
    assert.deepEqual(await inNewProcess('backendsFor("wasm")', "cpu"), ["wasm"]);
    await assert.rejects(choose('"auto"', "gpu"), /FEDCLAIR_BACKEND is "gpu": expected one of/);
  });

  it("takes an empty FEDCLAIR_BACKEND for none", async () => {
    const [choice] = (await choose('"auto"', "")) as [{ why: string }];
    assert.equal(choice.why, "as fast as any for this task");
  });
});

describe("TensorFlow's library, installed and broken", () => {
  let root: string;
  let compute: string;

  // A copy of this package beside one of @tensorflow/tfjs-node whose add-on is none.
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "fedclair-"));
    compute = join(root, "dist/src");
    await cp(here, compute, { recursive: true });
    await cp(join(here, "../../gen"), join(root, "gen"), { recursive: true });
    await writeFile(join(root, "package.json"), '{ "type": "module" }');
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

  it("is not what auto takes, which says why", async () => {
    const [choice, name] = (await inCopy(
      `[chooseBackend("auto", "tensorflow"), (await loadBackend()).name]`,
    )) as [{ name: string; why: string }, string];
    assert.deepEqual([choice.name, name], ["wasm", "wasm"]);
    assert.match(choice.why, /^tensorflow is faster for this task, and @/);
    assert.match(choice.why, why);
  });

  it("is refused where it is asked for by name, with what to do", async () => {
    await assert.rejects(inCopy(`chooseBackend("tensorflow")`), why);
    const said = await inCopy(`await loadBackend("tensorflow").catch(({ message }) => message)`);
    assert.match(String(said), why);
  });
});
