import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { workspace } from "./support/paths.js";

/** The output of nx for a task, with the terminal escapes that mocha writes. */
const task = (name: string, ...output: string[]) =>
  [`> nx run @fedclair/${name}`, "", "> mocha", "", ...output, "", ""].join("\n");

const passing = (count: number) => `\u001b[92m \u001b[0m\u001b[32m ${count} passing\u001b[0m (3s)`;

/** Runs scripts/test-total.js. @returns its last line and exit code */
function total(...tasks: string[]): [string | undefined, number | null] {
  const script = join(workspace, "scripts", "test-total.js");
  const { stdout, status } = spawnSync(process.execPath, [script], {
    input: ` NX   Running targets\n\n${tasks.join("")} NX   Ran targets\n`,
    encoding: "utf8",
  });
  return [stdout.trimEnd().split("\n").at(-1), status];
}

describe("scripts/test-total.js", () => {
  it("adds up the totals of all projects, fresh or from the cache", () => {
    const pending = "\u001b[36m \u001b[0m\u001b[36m 2 pending\u001b[0m";
    assert.deepEqual(
      total(
        task("core:test", passing(7), pending),
        task("linalg:test  [local cache]", passing(12)),
        task("core:lint", "fine"),
      ),
      ["19 passed, 0 failed, 2 skipped", 0],
    );
  });

  it("fails if a test fails", () => {
    const outcome = total(task("core:test", passing(7), "  1 failing"));
    assert.deepEqual(outcome, ["7 passed, 1 failed, 0 skipped", 1]);
  });

  it("fails if a project ends before its totals", () => {
    const outcome = total(task("core:test", passing(7)), task("wire:test", "  5 passing tests"));
    assert.deepEqual(outcome, ["7 passed, 1 failed, 0 skipped", 1]);
  });

  it("fails if no test ran", () => {
    assert.deepEqual(total(task("core:lint", "fine")), ["0 passed, 0 failed, 0 skipped", 1]);
  });
});
