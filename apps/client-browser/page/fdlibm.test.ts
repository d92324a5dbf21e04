import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import { cbrt, cos, exp, log, sin } from "./fdlibm.js";

describe("exp, log, sin, cos and cbrt of a tab", () => {
  it("have the bits of those of Node.js", () => {
    const rng = stream("fdlibm");
    const edges = [0, -0, 1, -1, 0.5, 2, 1e-9, -1e-9, 1e-320, 5e-324, 709.78, 710, -745.2, -746];
    const inputs = [...edges, Math.E, Infinity, -Infinity, NaN, 1 + 2 ** -52, 1 - 2 ** -53];
    for (let i = 0; i < 20_000; i++) {
      inputs.push(rng.uniform(), 1500 * (rng.uniform() - 0.5), 2 ** (2000 * (rng.uniform() - 0.5)));
      inputs.push(2 * Math.PI * rng.uniform());
    }
    for (let turns = -1000; turns <= 1000; turns++) {
      const quarter = (turns * Math.PI) / 2;
      inputs.push(quarter, quarter * (1 + 2 ** -40), quarter * (1 - 2 ** -30), quarter + 1e-17);
    }
    for (const [name, own, engine] of [
      ["exp", exp, Math.exp],
      ["log", log, Math.log],
      ["sin", sin, Math.sin],
      ["cos", cos, Math.cos],
      ["cbrt", cbrt, Math.cbrt],
    ] as const) {
      for (const x of inputs) assert.ok(Object.is(own(x), engine(x)), `${name}(${x})`);
    }
  });
});
