import assert from "node:assert/strict";
import type { Trial } from "@fedclair/core/internal";
import { placePaths, replacePaths } from "./place-paths.js";

const plugin = { kind: "task", name: "own", version: "", hash: "0".repeat(16) };
const trial = {
  task: { name: "own", source: { file: "/home/me/study/data/a.csv" } },
  plugins: [{ ...plugin, module: "/opt/code/own.js" }],
  python: { clients: "model:make", folder: "/home/me/study" },
} as unknown as Trial;
const data = [{ path: "/home/me/study/data/a.csv", sha256: "f" }];

describe("the paths of an archive", () => {
  it("start at the folder of the sweep file, and do not say where that is", () => {
    const places = placePaths("/home/me/study/rules.yaml", [{ trial, info: { data } }]);
    const moved = JSON.stringify(replacePaths({ trial, data }, places, "../../"));
    assert.doesNotMatch(moved, /home|opt/);
    assert.match(moved, /"file":"\.\.\/\.\.\/data\/a\.csv"/);
    assert.match(moved, /"module":"\.\.\/\.\.\/own\.js"/);
    assert.match(moved, /"folder":"\.\.\/\.\.\/"/);
    assert.deepEqual(replacePaths(data, places), [{ path: "data/a.csv", sha256: "f" }]);
  });
});
