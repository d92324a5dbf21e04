import assert from "node:assert/strict";
import { Matrix, stream } from "@fedclair/linalg";
import {
  makeClassYardstick,
  makeYardstick,
  measureConditional,
  measureTransport,
} from "./measure.js";
import { initialNetwork } from "./network.js";
import { centresOf, drawRing, drawSample } from "./points.js";
import { canonical, canonicalHidden, trainCentrally } from "./training.js";

const rng = stream("central training");
const ring = { modes: 8, radius: 2, rotation: 0, deviation: 0.2 };
const data = {
  target: drawSample("gaussians8", 4000, rng.at("target")),
  source: (count: number, own: typeof rng) => drawSample("normal", count, own).points,
};
const schedule = { steps: 400, learningRate: 1e-2 };

describe("central training on eight modes, 400 steps, measured with 500 points", () => {
  let yardstick: Awaited<ReturnType<typeof makeYardstick>>;

  before(async () => {
    const draw = (name: "normal" | "gaussians8", key: string) =>
      drawSample(name, 500, rng.at(key)).points;
    yardstick = await makeYardstick(
      draw("normal", "starts"),
      draw("gaussians8", "targets"),
      draw("gaussians8", "others"),
    );
  });

  it("learns straight, optimal paths to all modes", async () => {
    const start = initialNetwork(3, canonicalHidden, rng.at("init"));
    const network = await trainCentrally(start, data, canonical, schedule, rng.at("train"));
    const { metrics } = await measureTransport(network, yardstick, canonical, ring);
    const within = (name: string, low: number, high: number) => {
      const value = metrics[name] ?? NaN;
      assert.ok(value >= low && value <= high, `${name} = ${value}`);
    };
    within("w2", 0, 0.6);
    within("oneStepW2", 0, 0.63);
    within("modesCovered", 8, 8);
    within("inside", 0.7, 1);
    within("straightness", 1, 1.08);
    within("optimality", 1 - 1e-12, 1.02);
    within("energyRatio", 0.75, 1.1);
    within("certificate", 0.75, 1);
  });

  it("learns curved paths from independent pairs, which the coupling prevents", async () => {
    const start = initialNetwork(3, canonicalHidden, rng.at("init"));
    const settings = { ...canonical, coupling: "independent" } as const;
    const network = await trainCentrally(start, data, settings, schedule, rng.at("train"));
    const { metrics } = await measureTransport(network, yardstick, canonical, ring);
    assert.ok((metrics.straightness ?? NaN) >= 1.8);
    assert.ok((metrics.oneStepW2 ?? NaN) >= 1);
  });

  it("sends each condition to its mode, and guidance tightens it", async () => {
    const settings = { ...canonical, conditional: true };
    const start = initialNetwork(11, canonicalHidden, rng.at("init"));
    const longer = { steps: 1000, learningRate: 1e-2 };
    const network = await trainCentrally(start, data, settings, longer, rng.at("train"));
    const starts = new Matrix(100, 2, rng.at("starts").normals(200));
    const [targets, others] = [drawRing(ring, 400, rng.at("a")), drawRing(ring, 400, rng.at("b"))];
    const yardstick = await makeClassYardstick(starts, targets, others, centresOf(ring));
    const measure = async (guidance: number) =>
      (await measureConditional(network, yardstick, canonical, guidance)).measures;
    const [plain, guided] = [await measure(0), await measure(1)];
    assert.ok(plain.accuracy >= 0.9, `${plain.accuracy}`);
    assert.ok(guided.accuracy >= 0.98, `${guided.accuracy}`);
    assert.ok(
      plain.w2 > yardstick.truth.w2 && plain.w2 < 0.8,
      `${plain.w2}, ${yardstick.truth.w2}`,
    );
    assert.ok(guided.deviation < plain.deviation, `${guided.deviation}, ${plain.deviation}`);
  });
});
