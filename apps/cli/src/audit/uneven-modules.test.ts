import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import type { Finding } from "./findings.js";
import { unevenModules } from "./uneven-modules.js";

/** Ratios of an adapter whose modules differ by 20 %, the farthest first; in some of them times `factor`. */
function finding(k: number, changed = 0, factor = 1, modules = 16): Finding {
  const own = stream("uneven").at(k).normals(modules);
  const ratios = Array.from(own, (x, m) => {
    return { module: `m${m}`, ratio: Math.exp(0.2 * x) * (m < changed ? factor : 1) };
  });
  return {
    ...{ name: `a${k}`, status: "benign", score: 0.5 },
    modules: ratios.sort((x, y) => y.ratio - x.ratio),
  };
}

const honest = Array.from({ length: 12 }, (_, k) => finding(k));

describe("uneven modules", () => {
  it("are those in which a benign adapter lies far outside, unlike its others", () => {
    assert.deepEqual(unevenModules(honest), new Map());
    const found = unevenModules([...honest, finding(12, 3, 40), finding(13, 8, 40)]);
    assert.deepEqual(
      [...found].map(([name, modules]) => [name, modules.map(({ module }) => module).sort()]),
      [
        ["a12", ["m0", "m1", "m2"]],
        ["a13", ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"]],
      ],
    );
  });

  it("are none of who lies far outside in all, of who is not benign, and of few modules or adapters", () => {
    const bad: Finding = { ...finding(12, 3, 40), status: "undecided" };
    assert.deepEqual(unevenModules([...honest, finding(12, 16, 40), bad]), new Map());
    assert.deepEqual(unevenModules([...honest.slice(0, 3), finding(12, 3, 40)]), new Map());
    const few = Array.from({ length: 8 }, (_, k) => finding(k, k === 0 ? 1 : 0, 40, 3));
    assert.deepEqual(unevenModules(few), new Map());
  });
});
