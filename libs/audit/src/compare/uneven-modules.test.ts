import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import type { AdapterFinding } from "../audit-schema.js";
import { findUnevenModules } from "./uneven-modules.js";

/**
 * Creates a finding whose ratios vary by 20 %; the first `changed` ratios are multiplied by
 * `factor`.
 */
function finding(k: number, changed = 0, factor = 1, modules = 16): AdapterFinding {
  const own = stream("uneven").at(k).normals(modules);
  const ratios = Array.from(own, (x, m) => {
    return { module: `m${m}`, ratio: Math.exp(0.2 * x) * (m < changed ? factor : 1) };
  });
  return {
    name: `a${k}`,
    status: "benign",
    score: 0.5,
    modules: ratios.sort((x, y) => y.ratio - x.ratio),
  };
}

const benign = Array.from({ length: 12 }, (_, k) => finding(k));

describe("findUnevenModules", () => {
  it("finds modules in which a benign adapter lies far outside, unlike in its others", () => {
    assert.deepEqual(findUnevenModules(benign), new Map());
    const found = findUnevenModules([...benign, finding(12, 3, 40), finding(13, 8, 40)]);
    assert.deepEqual(
      [...found].map(([name, modules]) => [name, modules.map(({ module }) => module).sort()]),
      [
        ["a12", ["m0", "m1", "m2"]],
        ["a13", ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"]],
      ],
    );
  });

  it("ignores adapters far outside in all modules, adapters that are not benign, and small sets", () => {
    const bad: AdapterFinding = { ...finding(12, 3, 40), status: "undecided" };
    assert.deepEqual(findUnevenModules([...benign, finding(12, 16, 40), bad]), new Map());
    assert.deepEqual(findUnevenModules([...benign.slice(0, 3), finding(12, 3, 40)]), new Map());
    const few = Array.from({ length: 8 }, (_, k) => finding(k, k === 0 ? 1 : 0, 40, 3));
    assert.deepEqual(findUnevenModules(few), new Map());
  });
});
