import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { loadBackend } from "./backend.js";

const module = JSON.stringify(new URL("./backend.js", import.meta.url));

/** Runs code in a process of its own, because a process keeps its first backend, and parses what it prints. */
async function inNewProcess(code: string): Promise<unknown> {
  const source = `import { loadBackend } from ${module}; console.log(JSON.stringify(${code}))`;
  const args = ["--input-type=module", "--eval", source];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

describe("loadBackend", () => {
  it("runs cpu when asked, and says so", async () => {
    const result = await inNewProcess(
      `await loadBackend("cpu").then(({ tf, name, reason }) => [name, tf.getBackend(), reason])`,
    );
    assert.deepEqual(result, ["cpu", "cpu", "cpu: as asked for"]);
  });

  it("gives each caller the same backend, and says why it is this one", async () => {
    const [first, second] = await Promise.all([loadBackend(), loadBackend()]);
    assert.equal(first, second);
    assert.equal(first.tf.getBackend(), first.name);
    const expected = {
      tensorflow: /^tensorflow: the fastest$/,
      wasm: /^wasm \((no )?SIMD\): @tensorflow\/tfjs-node (is not installed|failed to load)/,
      cpu: /^cpu: .*tfjs-node .*; .*tfjs-backend-wasm /,
    };
    assert.match(first.reason, expected[first.name]);
  });

  it("refuses a second backend in one process", async () => {
    const { name } = await loadBackend();
    await assert.rejects(
      loadBackend(name === "cpu" ? "wasm" : "cpu"),
      new RegExp(`already runs "${name}"`),
    );
  });

  it("names what is missing, and then still takes another choice", async function () {
    if ((await loadBackend()).name === "tensorflow") this.skip();
    const result = await inNewProcess(
      `[await loadBackend("tensorflow").catch((e) => e.message), (await loadBackend("wasm")).name]`,
    );
    assert.match(String(result), /"tensorflow" here: @tensorflow\/tfjs-node .*,wasm$/);
  });

  it("multiplies matrices", async () => {
    const { tf } = await loadBackend();
    const product = tf.tidy(() =>
      tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([1, 1], [2, 1])).dataSync(),
    );
    assert.deepEqual([...product], [3, 7]);
  });
});
