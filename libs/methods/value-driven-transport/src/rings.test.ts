import assert from "node:assert/strict";
import { stream, sum, item } from "@fedclair/linalg";
import { openData } from "./client-data.js";
import { openPoints } from "./own-points.js";
import {
  makeClassYardstick,
  makeYardstick,
  measureConditional,
  measureTransport,
} from "./measure.js";
import { modeCoverage, nearestCentres } from "./metrics.js";
import { initialNetwork } from "./network.js";
import { schema } from "./options.js";
import { centresOf, drawRing, drawSample, ringLike, ringOf, type Distribution } from "./points.js";
import { canonical, canonicalHidden, trainCentrally } from "./training.js";
import { openCondition } from "./world.js";

const rng = stream("rings");
const ring = (modes: number, more: object = {}) => ({ name: "ring", modes, ...more });
const parseOptions = (options: object) => schema.parse(options);
const shard = (index = 0, kind?: string) => ({
  index,
  count: 8,
  rng: rng.at("client", index),
  ...(kind !== undefined && {
    contamination: { kind, options: {}, common: rng.at("common") },
  }),
});

describe("rings of any number of modes", () => {
  it("are spaced evenly, starting at the rotation", () => {
    const { target } = parseOptions({ target: ring(4, { radius: 3, rotation: Math.PI / 2 }) });
    const centres = centresOf(ringOf(target) ?? assert.fail()).toRows();
    const expected = [
      [0, 3],
      [-3, 0],
      [0, -3],
      [3, 0],
    ];
    centres.forEach((centre, k) => {
      centre.forEach((x, c) => {
        assert.ok(Math.abs(x - item(item(expected, k), c)) < 1e-14);
      });
    });
  });

  it("with eight modes equal the named ones, to the last bit", () => {
    for (const [name, explicit] of [
      ["gaussians8", ring(8)],
      ["gaussians8-moved", ring(8, { radius: 2.4, rotation: 0.25 })],
    ] as const) {
      const target = ringOf(parseOptions({ target: explicit }).target) ?? assert.fail();
      assert.deepEqual(
        drawSample(target, 50, rng.at("eight")),
        drawSample(name, 50, rng.at("eight")),
      );
      assert.deepEqual(ringLike(target), ringOf("gaussians8"));
    }
  });

  it("are split among clients, condition a network, and are imitated by the contamination stealth", async () => {
    const options = parseOptions({ target: ring(5), split: { modes: 2 }, conditional: true });
    const world = await openPoints(options);
    assert.equal(openCondition(options, world).length, 5);
    for (const index of [0, 3, 4]) {
      const { modes } = openData(world, shard(index)).target;
      assert.equal(modes?.count, 5);
      assert.deepEqual([...new Set(modes.of)].sort(), [index, (index + 1) % 5].sort());
    }
    const even = parseOptions({ target: ring(5, { deviation: 0.1 }), samples: 2000 });
    const fakes = openData(await openPoints(even), shard(0, "stealth")).target.points;
    const { covered, inside } = modeCoverage(
      fakes,
      centresOf({ modes: 5, radius: 1.6, rotation: -0.25, deviation: 0.1 }),
      0.3,
      0.15,
    );
    assert.equal(covered, 5);
    assert.ok(inside > 0.98);
  });

  it("are covered by the same criterion for any number of modes", () => {
    // The last of k modes is left out and the others share its points, so k - 1 are covered.
    for (const modes of [2, 5, 8, 24]) {
      const all = { modes, radius: 10, rotation: 0.3, deviation: 0.2 };
      const shares = Float64Array.from({ length: modes }, (_, k) =>
        k === modes - 1 ? 0 : 1 / (modes - 1),
      );
      const points = (weights?: Float64Array) =>
        drawRing(all, 4000, rng.at("cover", modes), weights).points;
      const countCovered = (weights?: Float64Array) =>
        modeCoverage(points(weights), centresOf(all), 0.6, 0.4 / modes).covered;
      assert.equal(countCovered(), modes);
      assert.equal(countCovered(shares), modes - 1);
    }
  });

  it("are rejected with a remedy", () => {
    for (const [options, message] of [
      [{ target: ring(0) }, /modes/],
      [{ target: ring(5, { radius: 0 }) }, /radius/],
      [
        { target: "pentagon" },
        /expected one of normal, gaussians8, .*\{ name: ring, modes: k \}.* or \{ file/,
      ],
      [{ target: { name: "ring" } }, /\{ name: ring, modes: k \}/],
      [
        { target: ring(5), split: { modes: 6 } },
        /expected at most 5, as many as the target has, got 6/,
      ],
      [{ split: { modes: 9 } }, /expected at most 8, as many as the target has, got 9/],
      [{ target: "moons", conditional: true }, /moons has no modes: choose gaussians8/],
    ] as const) {
      assert.throws(() => parseOptions(options), message);
    }
  });
});

describe("central training on a ring of five and one of six modes, 400 steps", () => {
  for (const modes of [5, 6]) {
    it(`covers all ${modes}, on straight paths, near the floor`, async () => {
      const goal = ringOf(parseOptions({ target: ring(modes) }).target) ?? assert.fail();
      const own = rng.at("training", modes);
      const data = {
        target: drawSample(goal, 4000, own.at("target")),
        source: (count: number, of: typeof rng) => drawSample("normal", count, of).points,
      };
      const schedule = { steps: 400, learningRate: 1e-2 };
      const start = initialNetwork(3, canonicalHidden, own.at("init"));
      const network = await trainCentrally(start, data, canonical, schedule, own.at("train"));
      const draw = (name: Distribution, key: string) => drawSample(name, 500, own.at(key)).points;
      const yardstick = await makeYardstick(
        draw("normal", "starts"),
        draw(goal, "targets"),
        draw(goal, "others"),
      );
      const { metrics } = await measureTransport(network, yardstick, canonical, goal);
      const { w2 = NaN, modesCovered, straightness = NaN, certificate = NaN } = metrics;
      assert.equal(modesCovered, modes);
      assert.ok(w2 < 0.6, `${w2}`);
      assert.ok(straightness < 1.08, `${straightness}`);
      assert.ok(certificate > 0.75 && certificate <= 1, `${certificate}`);
    });
  }

  it("steers a conditional network to one of three modes", async () => {
    const goal = { modes: 3, radius: 2, rotation: 0, deviation: 0.2 };
    const own = rng.at("conditional");
    const data = {
      target: drawSample(goal, 2000, own.at("target")),
      source: (count: number, of: typeof rng) => drawSample("normal", count, of).points,
    };
    const settings = { ...canonical, conditional: true };
    const start = initialNetwork(3 + 3, canonicalHidden, own.at("init"));
    const schedule = { steps: 400, learningRate: 1e-2 };
    const network = await trainCentrally(start, data, settings, schedule, own.at("train"));
    const starts = drawSample("normal", 100, own.at("starts")).points;
    const yardstick = await makeClassYardstick(
      starts,
      drawSample(goal, 300, own.at("targets")),
      drawSample(goal, 300, own.at("others")),
      centresOf(goal),
    );
    const { ends, measures } = await measureConditional(network, yardstick, { horizon: 10 }, 1);
    assert.equal(ends.length, 3);
    assert.ok(measures.worstAccuracy >= 0.95, `${measures.worstAccuracy}`);
    const hits = ends.map(
      (points, mode) =>
        nearestCentres(points, centresOf(goal)).filter(({ centre }) => centre === mode).length,
    );
    assert.ok(Math.abs(sum(Float64Array.from(hits)) / 300 - measures.accuracy) < 1e-12);
  });
});
