import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Matrix, stream, type Stream } from "@fedclair/linalg";
import { openData } from "./client-data.js";
import { makeClassYardstick, measureConditional } from "./measure.js";
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
    const { floor, centres, counts } = await makeClassYardstick(starts, targets, others);
    // 1 and 3 move by 1 to 0 and 2. Half of the point at 10 stays, half moves by 2.
    assert.ok(Math.abs(floor - (1 + Math.SQRT2) / 2) < 1e-12);
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
