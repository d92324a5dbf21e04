import assert from "node:assert/strict";
import { listRoots } from "./chosen-files.js";

describe("listRoots", () => {
  const roots = (...paths: readonly string[]) => listRoots(paths.map((path) => ({ path })));

  it("lists folders and leaves out files beside them", () => {
    assert.deepEqual(roots("read.me", "one/a", "two/b/c", "one/d"), ["one", "two"]);
  });

  it("names a file that is no folder of adapters", () => {
    assert.throws(() => roots("all.zip"), /'all\.zip' is not in a folder: .* unpack an archive/);
  });
});
