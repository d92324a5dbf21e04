import assert from "node:assert/strict";
import type { Params } from "@fedclair/core";
import { item, stream } from "@fedclair/linalg";
import { choose, classes, pixels } from "../digits/images.js";
import { openPerceptron, readPerceptron } from "./model.js";
import { trainPerceptron, type Pace } from "./training.js";

const rng = stream("digits training test");
const images = Float32Array.from(rng.at("images").normals(4 * pixels, 0.1));
const labels = Int32Array.of(0, 3, 9, 3);
const data = choose({ images, labels, pixels, classes }, [0, 1, 2, 3]);
const start: Params = new Map([
  ["output", { shape: [10, pixels + 1], data: Float32Array.from(rng.normals(7850)) }],
]);

/** Trains logistic regression on a batch of all digits. */
async function trainFrom(params: Params, pace: Partial<Pace> & Pick<Pace, "epochs">) {
  const network = openPerceptron(params, 4);
  try {
    await trainPerceptron(network, data, { batchSize: 4, learningRate: 0.5, ...pace }, rng);
    return readPerceptron(network, params);
  } finally {
    network.release();
  }
}

const numbersOf = (params: Params) => params.get("output")?.data ?? assert.fail();

describe("training of a perceptron", () => {
  it("is pulled back to its start by FedProx", async () => {
    const pulled = numbersOf(await trainFrom(start, { epochs: 2, proximal: 0.3 }));
    // The first step starts at the start, where there is no pull.
    const first = await trainFrom(start, { epochs: 1 });
    const second = numbersOf(await trainFrom(first, { epochs: 1 }));
    const [before, after] = [numbersOf(start), numbersOf(first)];
    let largest = 0;
    second.forEach((w, i) => {
      const pull = 0.5 * 0.3 * (item(after, i) - item(before, i));
      largest = Math.max(largest, Math.abs(pull));
      assert.ok(Math.abs(item(pulled, i) - (w - pull)) < 1e-6);
    });
    assert.ok(largest > 1e-3, `${largest}`);
  });

  it("adds the control of SCAFFOLD to the gradient of each step", async () => {
    const numbers = Float32Array.from(rng.at("control").normals(7850));
    const control = openPerceptron(
      new Map([["output", { shape: [10, pixels + 1], data: numbers }]]),
      1,
    );
    try {
      const corrected = numbersOf(await trainFrom(start, { epochs: 1, control }));
      const plain = numbersOf(await trainFrom(start, { epochs: 1 }));
      corrected.forEach((w, i) => {
        assert.ok(Math.abs(w - (item(plain, i) - 0.5 * item(numbers, i))) < 1e-5);
      });
    } finally {
      control.release();
    }
  });
});
