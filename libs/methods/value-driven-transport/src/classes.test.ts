import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Matrix, stream, type Stream } from "@fedclair/linalg";
import { openData } from "./client-data.js";
import { makeClassYardstick, measureConditional, measureWithoutRequest } from "./measure.js";
import { byModule, initialNetwork } from "./network.js";
import { schema } from "./options.js";
import { openPoints } from "./own-points.js";
import type { Sample } from "./points.js";
import { openCondition } from "./world.js";

const rng = stream("classes");

/** Points on a line with their classes. */
function line(points: readonly number[], of: readonly number[]): Sample {
  return {
    points: Matrix.fromRows(points.map((x) => [x])),
    modes: { count: 2, of: Int32Array.from(of) },
  };
}

describe("measures of a conditional network", () => {
  const targets = line([0, 10, 2, 12], [0, 1, 0, 1]);
  const others = line([1, 3, 10], [0, 0, 1]);
  const starts = Matrix.fromRows([[0], [2]]);

  it("compare each class with a second sample of it", async () => {
    const { truth, centres, counts } = await makeClassYardstick(starts, targets, others);
    // 1 and 3 move by 1 to 0 and 2. Half of the point at 10 stays, half moves by 2.
    assert.ok(Math.abs(truth.w2 - (1 + Math.SQRT2) / 2) < 1e-12);
    // All are nearest to their own centre; 1 and 3 deviate by 1, and 10 alone by 0.
    assert.deepEqual([truth.accuracy, truth.deviation], [1, 0.5]);
    assert.deepEqual(centres.toRows(), [[1], [11]]);
    assert.deepEqual(counts, [2, 1]);
  });

  it("are those of points that stay, for a network without slope", async () => {
    const yardstick = await makeClassYardstick(starts, targets, others);
    const network = initialNetwork(1 + 1 + 2, 3, rng);
    const flat = byModule((name) => network[name].scale(name === "W3" ? 0 : 1));
    const request = { horizon: 4 };
    const { measures } = await measureConditional({ ...flat, b3: 0 }, yardstick, request, 0.5);
    const { accuracy, worstAccuracy, deviation, w2 } = measures;
    assert.deepEqual([accuracy, worstAccuracy, deviation], [0.5, 0, 1]);
    // Class 0 is met exactly. Of class 1, one point at 0 moves half to 10 and half to 12.
    assert.ok(Math.abs(w2 - Math.sqrt((100 + 144) / 2) / 2) < 1e-12);
  });

  it("follow the request, in any number of steps", async () => {
    const yardstick = await makeClassYardstick(starts, targets, others);
    const weights = initialNetwork(1 + 1 + 2, 1, rng);
    const zero = byModule((name) => weights[name].scale(0));
    // A flow with velocity 1 for class 0, -1 for class 1 and 0 without a request: the inputs are x,
    // t and the classes, and tanh(20) is 1.
    const W1 = Matrix.fromRows([[0], [0], [20], [-20]]);
    const ones = { W2: Matrix.fromRows([[20]]), W3: Matrix.fromRows([[1]]) };
    const network = { ...zero, W1, ...ones, b3: 0 };
    const request = { horizon: 2, method: "flow-matching", measureSteps: [1, 4] } as const;
    const { ends, measures } = await measureConditional(network, yardstick, request, 0);
    const moved = ends.map((points) => points.toRows().flat());
    assert.deepEqual(moved, [
      [1, 3],
      [-1, 1],
    ]);
    // Class 0 is off by 1. Class 1 has one point, at -1: half of it moves to 10 and half to 12.
    const expected = (1 + Math.sqrt((121 + 169) / 2)) / 2;
    for (const k of [1, 4]) {
      assert.ok(Math.abs((measures.bySteps[`classW2Steps.${k}`] ?? NaN) - expected) < 1e-12);
    }
    const without = await measureWithoutRequest(network, yardstick, request);
    assert.ok(Math.abs(without - Math.sqrt((100 + 144) / 2) / 2) < 1e-12);
  });
});

describe("a table with a column of classes", () => {
  const folder = mkdtempSync(join(tmpdir(), "fedclair-classes-"));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** Opens points at 0 or 10, all with the same second coordinate. */
  function open(labels: readonly string[], options: object = {}) {
    const rows = labels.map((label) => `${label === "ten" ? 10 : 0},5,${label}`);
    const file = join(folder, "points.csv");
    writeFileSync(file, ["x,y,name", ...rows, ""].join("\n"));
    const target = { file, columns: { label: "name" } };
    const parsed = schema.parse({ target, conditional: true, ...options });
    return openPoints(parsed).then((world) => ({ world, parsed }));
  }
  const shard = (index: number, own: Stream) => ({ index, count: 2, rng: own });
  const even = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? "none" : "ten"));

  it("conditions a network on them, and does not count as a coordinate", async () => {
    const { world, parsed } = await open(even);
    assert.equal(world.dimensions, 2);
    assert.deepEqual(world.classes, ["none", "ten"]);
    assert.deepEqual(openCondition(parsed, world), [0, 0]);
    const { target } = openData(world, shard(1, rng));
    const { targets } = world.fresh(500, rng);
    for (const { points, modes } of [target, targets]) {
      assert.equal(modes?.of.length, points.rows);
      // Half of the points are at 10, so each is one deviation of both coordinates, √2, from 0.
      points.column(0).forEach((x, i) => {
        assert.ok(Math.abs(x - (modes.of[i] === 1 ? Math.SQRT2 : -Math.SQRT2)) < 1e-12);
      });
    }
  });

  it("has withheld points of each, or the class is named", async () => {
    const rare = even.map((label, i) => (i === 0 ? "once" : label));
    await assert.rejects(
      open(rare),
      /none of 10 withheld points is of class 'once': add points of it, raise evaluationSamples/,
    );
    const { world } = await open(rare, { conditional: false });
    assert.deepEqual(world.classes, ["none", "once", "ten"]);
  });

  it("is required of a conditional network", () => {
    assert.throws(
      () => schema.parse({ target: { file: "a.csv" }, conditional: true }),
      /no classes: name their column as target\.columns\.label/,
    );
  });
});
