import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { workspace } from "./support/paths.js";

/** Benches are plain scripts: nothing but a run tells that what they import is there. */
function load(path: string): Promise<Record<string, (...args: never[]) => Promise<unknown>>> {
  return import(pathToFileURL(join(workspace, path)).href) as never;
}

describe("a bench", () => {
  for (const path of ["libs/linalg/bench/linalg.js", "libs/aggregators/bench/robust.js"]) {
    it(`of ${path} finds what it times`, async () => {
      assert.equal(typeof (await load(path))["bench"], "function");
    });
  }

  it("of CLAIR finds the contaminated, and their time", async () => {
    const { time } = await load("libs/aggregators/bench/clair.js");
    const size = { p: 64, r: 2, clients: 10 };
    for (const threads of [0, 2]) {
      const taken = await time?.(size as never, { times: 1, threads } as never);
      assert.deepEqual(Object.keys(taken as object), ["find", "refine"]);
    }
  });
});
