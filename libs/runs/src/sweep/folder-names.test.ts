import assert from "node:assert/strict";
import { nameFolders } from "./folder-names.js";

describe("nameFolders", () => {
  const name = (...points: [string, string][][]) => nameFolders(points.map((at) => new Map(at)));

  it("names runs by what differs, the seed last", () => {
    assert.deepEqual(
      name(
        [
          ["seed", "1"],
          ["aggregator", "clair (rank 3)"],
          ["task.noise", "0.02"],
        ],
        [
          ["seed", "2"],
          ["aggregator", "multi-krum"],
          ["attacks", "none"],
        ],
        [
          ["seed", "3"],
          ["attacks.0.attack.*", "-5e-3"],
        ],
      ),
      ["clair-rank-3-noise-0.02-seed-1", "multi-krum-attacks-none-seed-2", "attack-5e-3-seed-3"],
    );
  });

  it("makes names differ from each other, and from what else is in the folder", () => {
    assert.deepEqual(name([["a", "x/y"]], [["a", "X y"]], [["a", "figures"]], []), [
      "x-y",
      "x-y-2",
      "figures-2",
      "run",
    ]);
    const long = name([["a", "b".repeat(300)]], [["a", "b".repeat(301)]]);
    assert.deepEqual(long, ["b".repeat(80), `${"b".repeat(80)}-2`]);
  });
});
