import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { uncaughtText } from "./uncaught.js";

const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);

/** How a program ends whose only command is this code. */
function ended(code: string) {
  const script = `
    import { Command } from "commander";
    import { interruption, runProgram } from ${module("./main.js")};
    import { print } from ${module("./print.js")};
    const program = new Command("test").action(async () => { ${code} });
    await runProgram(program, ["node", "test"]);`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", script],
    { encoding: "utf8", cwd: new URL(".", import.meta.url) },
  );
  return { status, stdout, stderr };
}

/** As a command that stops in order. */
const stopped = `await new Promise((resolve) => interruption.signal.addEventListener("abort", resolve));`;

describe("a program", () => {
  it("ends with one readable line and 1 after what nobody caught, in a promise or in a timer", () => {
    for (const [code, said] of [
      ["Promise.reject(new Error('lost'));", /^error: nobody caught Error: lost \(.*\): thrown in/],
      ["setTimeout(() => { throw new Error('late'); });", /^error: nobody caught Error: late/],
      ["Promise.reject('a text');", /^error: nobody caught a text: thrown/],
      ["Promise.reject(undefined); Promise.reject(7);", /^error: nobody caught undefined: thrown/],
    ] as const) {
      const { status, stderr } = ended(code + stopped);
      assert.match(stderr, said);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
      assert.equal(status, 1);
    }
  });

  it("does so beside listeners that throw the error again, as TensorFlow.js has", () => {
    const { status, stderr } = ended(`
      process.on("uncaughtException", (error) => { throw error; });
      process.on("unhandledRejection", (error) => { throw error; });
      Promise.reject(new Error("lost"));${stopped}`);
    assert.deepEqual([status, stderr.trimEnd().split("\n").length], [1, 1], stderr);
  });

  it("ends where the command would wait on, or a timer is left, or nothing to wait for", () => {
    const kept = ended(
      "setInterval(() => 0, 1000); setTimeout(() => { throw 1; }); await new Promise(() => 0);",
    );
    assert.deepEqual([kept.status, /nobody caught 1/.test(kept.stderr)], [1, true]);
    const left = ended("setInterval(() => 0, 1000);");
    assert.deepEqual([left.status, left.stderr], [0, ""]);
    const endless = ended("await new Promise(() => 0);");
    assert.equal(endless.status, 1);
    assert.match(endless.stderr, /^error: the command waits for what never comes.*\n$/);
  });

  it("keeps stdout for its answer, whatever plug-ins print", () => {
    const { status, stdout, stderr } = ended(
      `console.log("one"); console.table([1]); process.stdout.write("two\\n"); print("{}\\n");`,
    );
    assert.deepEqual([status, stdout], [0, "{}\n"]);
    assert.match(stderr, /^one\n[^]*two\n$/);
  });
});

describe("uncaughtText", () => {
  it("bears whatever was thrown, and repeats no endless line", () => {
    const nasty = {
      get stack() {
        throw new Error("no stack");
      },
      toString: () => "nasty\n\u001b[2J",
    };
    assert.match(uncaughtText(nasty), /^nobody caught nasty\\n\\u\{1b\}\[2J: thrown/);
    assert.match(uncaughtText(Object.create(null)), /^nobody caught a value that has no text/);
    assert.ok(uncaughtText(new Error("x".repeat(1e6))).length < 5000);
  });
});
