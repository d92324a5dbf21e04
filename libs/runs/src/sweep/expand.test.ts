import assert from "node:assert/strict";
import fc from "fast-check";
import { expand } from "./expand.js";

const takesList = (path: readonly string[]) => ["attacks", "baselines"].includes(path.at(-1) ?? "");
const grid = (content: unknown) => expand(content, takesList);

describe("expand", () => {
  it("leaves a file without lists alone", () => {
    const content = { name: "a", attacks: [{ count: 1 }], task: { size: 2 } };
    const { dimensions, points } = grid(content);
    assert.deepEqual(
      points.map((point) => ({ content: point.content, at: point.at })),
      [{ content, at: new Map() }],
    );
    assert.deepEqual(dimensions, []);
  });

  it("shows texts of any kind in short labels that differ", () => {
    const long = "x".repeat(10_000);
    const { dimensions } = grid({ note: ["\u001b[2J\u202e", `${long}1`, `${long}2`] });
    const cut = `${"x".repeat(197)}…`;
    assert.deepEqual(dimensions[0]?.labels, ["\\u{1b}[2J\\u{202e}", cut, `${cut} #3`]);
  });

  it("treats every list as a dimension, the last one varying fastest", () => {
    const { dimensions, points } = grid({ seed: [1, 2], task: { size: [3, 4] } });
    assert.deepEqual(dimensions, [
      { path: "seed", labels: ["1", "2"] },
      { path: "task.size", labels: ["3", "4"] },
    ]);
    assert.deepEqual(
      points.map(({ content }) => content),
      [
        { seed: 1, task: { size: 3 } },
        { seed: 1, task: { size: 4 } },
        { seed: 2, task: { size: 3 } },
        { seed: 2, task: { size: 4 } },
      ],
    );
    assert.deepEqual(
      [...(points[2]?.at ?? [])],
      [
        ["seed", "2"],
        ["task.size", "3"],
      ],
    );
  });

  it("finds dimensions inside lists that a trial takes, and expands lists of such lists", () => {
    const inside = grid({ attacks: [{ attack: [{ name: "a" }, { name: "b" }], count: 1 }] });
    assert.deepEqual(inside.dimensions, [{ path: "attacks.0.attack", labels: ["a", "b"] }]);
    assert.deepEqual(inside.points[1]?.content, { attacks: [{ attack: { name: "b" }, count: 1 }] });

    const whole = grid({ attacks: [[], [{ attack: { name: "a" }, count: 1 }]] });
    assert.deepEqual(whole.dimensions, [{ path: "attacks", labels: ["none", "a"] }]);
    assert.deepEqual(whole.points[0]?.content, { attacks: [] });

    const data = [[[0, 1]], [[0, 0], [0, 1]]]; // oxfmt-ignore
    const nested = expand({ data }, (path) => path[0] === "data");
    assert.deepEqual(nested.dimensions, [{ path: "data", labels: ["0 + 1", "0 + 0 + 0 + 1"] }]);
    assert.deepEqual(
      nested.points.map(({ content }) => content),
      data.map((value) => ({ data: value })),
    );
  });

  it("counts a value that itself varies as several, and adds options to equal names", () => {
    const { dimensions } = grid({
      aggregator: [{ name: "clair", rank: [1, 2] }, { name: "mean" }],
    });
    assert.deepEqual(dimensions, [
      { path: "aggregator", labels: ["clair (rank 1)", "clair (rank 2)", "mean"] },
    ]);
  });

  it("takes a list inside a list of values for one value", () => {
    const { points } = grid({ tokens: [[17, 4], [9]] });
    assert.deepEqual(
      points.map(({ content }) => content),
      [{ tokens: [17, 4] }, { tokens: [9] }],
    );
  });

  it("knows where in the file each value stands", () => {
    const { points } = grid({
      seed: [1, 2],
      attacks: [[], [{ attack: { name: "a" } }]],
      aggregator: [{ name: "mean" }, { name: "clair", rank: [1, 2], rule: { by: "gap" } }],
    });
    const last = points.at(-1);
    const origin = (path: string) => last?.origin(path.split(".")).join(".");
    assert.equal(origin("seed"), "seed.1");
    assert.equal(origin("attacks.0.attack.name"), "attacks.1.0.attack.name");
    assert.equal(origin("aggregator.rule.by"), "aggregator.1.rule.by");
    assert.equal(origin("aggregator.rank"), "aggregator.1.rank.1");
    assert.equal(origin("rounds"), "rounds");
  });

  it("adds only the options of an attack that differ", () => {
    const entry = (kind: string) => [{ attack: { name: "a", kind, rank: 3 }, count: 6 }];
    const { dimensions } = grid({ attacks: [[], entry("x"), entry("y")] });
    assert.deepEqual(dimensions[0]?.labels, ["none", "a (kind x)", "a (kind y)"]);
  });

  it("creates every combination once", () => {
    const values = fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const { points } = grid({ a, b: { c: b, d: c } });
        const distinct = new Set(points.map(({ content }) => JSON.stringify(content)));
        assert.equal(distinct.size, a.length * b.length * c.length);
        assert.equal(points.length, distinct.size);
      }),
    );
  });
});
