import type { Params } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { classes, pixels } from "./images.js";
import type { Layer } from "./model.js";
import type { Options } from "./options.js";

/** The layers in the order in which they compute, by module name. */
export type Layers = ReadonlyMap<string, Layer>;

/** A copy. */
export function layersOf(params: Params): Layers {
  return mapLayers(params, ({ shape: [outputs = 0, width = 0], data }) => ({
    outputs,
    inputs: width - 1,
    weights: Float32Array.from(data),
  }));
}

/** A module a layer, outputs×(inputs + 1). */
export function paramsOf(layers: Layers): Params {
  return mapLayers(layers, ({ outputs, inputs, weights }) => ({
    shape: [outputs, inputs + 1],
    data: weights,
  }));
}

export function mapLayers<From, To>(
  map: ReadonlyMap<string, From>,
  make: (value: From, name: string) => To,
): Map<string, To> {
  return new Map([...map].map(([name, value]) => [name, make(value, name)]));
}

/** Zeros for logistic regression; else weights N(0, 2/inputs) before the ReLUs, N(0, 1/inputs) after them, and biases of 0. */
export function initialLayers({ model, hidden }: Options, rng: Stream): Layers {
  if (model === "logistic") return new Map([["output", layer(pixels, classes, 0, rng)]]);
  return new Map([
    ["hidden", layer(pixels, hidden, 2 / pixels, rng.at("hidden"))],
    ["output", layer(hidden, classes, 1 / hidden, rng.at("output"))],
  ]);
}

function layer(inputs: number, outputs: number, variance: number, rng: Stream): Layer {
  const width = inputs + 1;
  const weights = Float32Array.from(rng.normals(outputs * width, Math.sqrt(variance)));
  for (let j = 0; j < outputs; j++) weights[j * width + inputs] = 0;
  return { outputs, inputs, weights };
}
