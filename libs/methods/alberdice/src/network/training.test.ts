import { loadBackend } from "@fedclair/compute";
import { median, stream } from "@fedclair/linalg";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { anneal } from "../alternate.js";
import { environmentOf } from "../environment.js";
import { matrixValue, repeatJointAction, xorData, xorPayoff } from "../matrix-game.js";
import { schema } from "../options.js";
import { jointProbabilities } from "../policy.js";
import { assertWithin, type XorName } from "../../testing/datasets.js";
import { trainCentrally } from "./central.js";
import { initialNetworks, toModules, toNetworks } from "./networks.js";
import { compressSamples } from "./samples.js";

const xor = environmentOf(schema.parse({ environment: { name: "matrix" } }));
const bridge = environmentOf(schema.parse({}));

/** The settings of README.md for XOR. */
const settings = {
  hidden: 16,
  learningRate: 1e-2,
  dataSteps: 200,
  steps: 20,
  alphas: anneal(1, 0.02, 30, 0.6),
  gamma: 0.99,
};

const samplesOf = (name: XorName) =>
  compressSamples(
    xorData[name].flatMap((pair) => repeatJointAction(xorPayoff, pair, 60 / xorData[name].length)),
  );

before(async () => {
  await loadBackend();
});

describe("AlberDICE with networks on XOR", function () {
  this.timeout(5 * 30_000);
  for (const name of Object.keys(xorData) as XorName[]) {
    it(`finds a best joint action in the data ${name} with five seeds`, async () => {
      const modeProbabilities: number[] = [];
      for (const seed of [1, 2, 3, 4, 5]) {
        const start = performance.now();
        const policies = await trainCentrally(xor, samplesOf(name), settings, stream(seed));
        assertWithin((performance.now() - start) / 1000, 0, 30);
        const [, ab = NaN, ba = NaN] = jointProbabilities(policies, 0, xor.shape);
        modeProbabilities.push(Math.max(ab, ba));
        assertWithin(matrixValue(xorPayoff, policies), 0.95, 1);
      }
      assertWithin(Math.min(...modeProbabilities), 0.95, 1);
      assertWithin(median(modeProbabilities), 0.99, 1);
    });
  }
});

describe("training networks", () => {
  const brief = { ...settings, dataSteps: 20, alphas: [1, 0.5] };

  it("repeats bit for bit, leaks no tensor, and yields to other work", async () => {
    const tensors = tf.memory().numTensors;
    let turns = 0;
    const count = () => {
      turns++;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    const first = await trainCentrally(xor, samplesOf("all"), brief, stream(1));
    clearImmediate(immediate);
    assert.ok(turns >= 10);
    assert.deepEqual(await trainCentrally(xor, samplesOf("all"), brief, stream(1)), first);
    assert.notDeepEqual(await trainCentrally(xor, samplesOf("all"), brief, stream(2)), first);
    assert.equal(tf.memory().numTensors, tensors);
  });

  it("starts with almost uniform policies", async () => {
    const untrained = { ...brief, dataSteps: 0, alphas: [] };
    for (const policy of await trainCentrally(bridge, samplesOf("all"), untrained, stream(1))) {
      assert.equal(policy.length, bridge.shape.states);
      for (const p of policy.flatMap((row) => [...row])) assertWithin(p, 0.195, 0.205);
    }
  });
});

describe("networks as params", () => {
  it("have one matrix per layer, and convert back into the same networks", () => {
    const networks = initialNetworks(bridge, 8, stream("networks"));
    const modules = toModules(bridge, 8, networks);
    assert.equal(modules.size, 2 * 5 * 3);
    assert.deepEqual(modules.get("agent0.conditional.W1")?.shape, [29 + 5 + 1, 8]);
    assert.deepEqual(modules.get("agent1.value.W3")?.shape, [8, 1]);
    assert.deepEqual(toNetworks(bridge, 8, modules), networks);
  });

  it("have inputs of 29 features of 0 and 1, different for every state of the bridge", () => {
    const features = Array.from({ length: bridge.shape.states }, (_, state) =>
      bridge.features(state).join(""),
    );
    assert.equal(new Set(features).size, bridge.shape.states);
    assert.ok(features.every((row) => /^[01]{29}$/.test(row)));
  });
});
