import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { formatUncaught } from "./uncaught.js";

const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);

/** Runs a program whose only command is this code. */
function runCode(code: string) {
  const script = `
    import { Command } from "commander";
    import { interruption, runProgram } from ${module("./main.js")};
    import { print } from ${module("../words/print.js")};
    const program = new Command("test").action(async () => { ${code} });
    await runProgram(program, ["node", "test"]);`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", script],
    { encoding: "utf8", cwd: new URL(".", import.meta.url) },
  );
  return { status, stdout, stderr };
}

/** Code of a command that stops in order. */
const stopped = `await new Promise((resolve) => interruption.signal.addEventListener("abort", resolve));`;

describe("a program", () => {
  it("prints one readable line and exits with 1 after an uncaught error in a promise or timer", () => {
    for (const [code, expected] of [
      ["Promise.reject(new Error('lost'));", /^error: uncaught Error: lost \(.*\): thrown in/],
      ["setTimeout(() => { throw new Error('late'); });", /^error: uncaught Error: late/],
      ["Promise.reject('a text');", /^error: uncaught a text: thrown/],
      [
        "Promise.reject(undefined); Promise.reject(7);",
        /^error: uncaught undefined was thrown, which gives no reason: thrown/,
      ],
    ] as const) {
      const { status, stderr } = runCode(code + stopped);
      assert.match(stderr, expected);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
      assert.equal(status, 1);
    }
  });

  it("does so next to listeners that throw the error again, like those of TensorFlow.js", () => {
    const { status, stderr } = runCode(`
      process.on("uncaughtException", (error) => { throw error; });
      process.on("unhandledRejection", (error) => { throw error; });
      Promise.reject(new Error("lost"));${stopped}`);
    assert.deepEqual([status, stderr.trimEnd().split("\n").length], [1, 1], stderr);
  });

  it("ends if the command would wait on, if a timer is left, or if nothing is pending", () => {
    const kept = runCode(
      "setInterval(() => 0, 1000); setTimeout(() => { throw 1; }); await new Promise(() => 0);",
    );
    assert.deepEqual([kept.status, /uncaught 1/.test(kept.stderr)], [1, true]);
    const left = runCode("setInterval(() => 0, 1000);");
    assert.deepEqual([left.status, left.stderr], [0, ""]);
    const endless = runCode("await new Promise(() => 0);");
    assert.equal(endless.status, 1);
    assert.match(endless.stderr, /^error: the command waits for something that never happens.*\n$/);
  });

  it("keeps stdout for its answer, whatever plug-ins print", () => {
    const { status, stdout, stderr } = runCode(
      `console.log("one"); console.table([1]); process.stdout.write("two\\n"); print("{}\\n");`,
    );
    assert.deepEqual([status, stdout], [0, "{}\n"]);
    assert.match(stderr, /^one\n[^]*two\n$/);
  });
});

describe("formatUncaught", () => {
  it("formats any thrown value, and shortens endless messages", () => {
    const nasty = {
      get stack() {
        throw new Error("no stack");
      },
      toString: () => "nasty\n\u001b[2J",
    };
    assert.match(formatUncaught(nasty), /^uncaught nasty\\n\\u\{1b\}\[2J: thrown/);
    assert.match(formatUncaught(Object.create(null)), /^uncaught a value that has no text/);
    assert.ok(formatUncaught(new Error("x".repeat(1e6))).length < 5000);
  });
});
