import assert from "node:assert/strict";
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { evaluate, parseEvaluate } from "./evaluate-command.js";

const never = new AbortController().signal;

describe("the command of --evaluate", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "evaluate-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  const lossOf = (text: string, folder = root, timeoutSeconds = 60, signal = never) =>
    evaluate(parseEvaluate(text), folder, "own of 'a'", { timeoutSeconds, signal });

  it("gets the path as one word, whatever it contains", async () => {
    const script = join(root, "loss.mjs");
    await writeFile(
      script,
      `import { writeFileSync } from "node:fs";
      writeFileSync(process.argv[2] + "/seen", JSON.stringify(process.argv.slice(2)));
      console.log("of 12 tokens: 1.5");`,
    );
    const marker = join(root, "marker");
    for (const name of [
      `$(touch ${marker.replaceAll("/", "?")})`,
      "`id`; 'a' \"b\" $HOME \\",
      "-rf *\nnext",
      "{adapter}",
    ]) {
      const folder = join(root, name.replaceAll("/", ""));
      await mkdir(folder);
      assert.equal(
        await lossOf(`'${process.execPath}' ${script} {adapter} {adapter}`, folder),
        1.5,
      );
      const seen: unknown = JSON.parse(await readFile(join(folder, "seen"), "utf8"));
      assert.deepEqual(seen, [folder, folder]);
    }
    await assert.rejects(access(marker));
    assert.equal(await lossOf(`echo 2; echo "it's \\"3\\"" {adapter} > /dev/null`), 2);
  });

  it("must have the placeholder, and not in quotes", () => {
    assert.throws(() => parseEvaluate("evaluate.sh"), /expected a command with {adapter} where/);
    for (const text of [
      "sh -c 'x {adapter}'",
      'x "{adapter}"',
      "`x {adapter}`",
      `x "\\"{adapter}"`,
    ]) {
      assert.throws(() => parseEvaluate(text), /{adapter} is in quotes; remove them/, text);
    }
    assert.equal(parseEvaluate("x 'a' \\' {adapter}").script, `x 'a' \\' "$FEDCLAIR_ADAPTER"`);
  });

  const rejects = (promise: Promise<number>, pattern: RegExp) =>
    assert.rejects(promise, (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, pattern);
      return true;
    });

  it("shows stderr if it fails or prints no number", async () => {
    await rejects(
      lossOf(": {adapter}; echo 3; echo no such model >&2; exit 7"),
      /^--evaluate: own of 'a': the command failed with code 7\n {2}no such model$/,
    );
    await rejects(lossOf(": {adapter}; kill -9 $$"), /SIGKILL ended the command/);
    await rejects(lossOf(": {adapter}; echo done"), /as the last number on stdout, got 'done/);
    await rejects(lossOf(": {adapter}"), /as the last number on stdout, got nothing/);
    await rejects(lossOf("no-such-command {adapter}"), /failed with code 127\n.*not found/);
  });

  // Its output is closed, and `evaluate` is done, only when the inner process has ended as well.
  const stubborn = `sh -c 'trap "" TERM; echo ready >&2; while :; do sleep 1; done' & : {adapter}; wait`;

  it("is ended with all that it started after the time limit", async () => {
    await rejects(
      lossOf(stubborn, root, 0.5),
      /longer than 0.5 s; --evaluate-timeout .*\n {2}ready/,
    );
  });

  it("is ended when the audit is interrupted", async () => {
    const controller = new AbortController();
    const reason = new Error("interrupted");
    const text = `touch {adapter}/started; ${stubborn}`;
    const running = lossOf(text, root, 60, controller.signal);
    const started = () =>
      access(join(root, "started")).then(
        () => true,
        () => false,
      );
    while (!(await started())) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(reason);
    await assert.rejects(running, reason);
    await assert.rejects(lossOf("echo 1 {adapter}", root, 60, controller.signal), reason);
  });
});
