import { readFile } from "node:fs/promises";
import * as tf from "@tensorflow/tfjs-core";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "@fedclair/core";
import type { WeightName, Weights } from "./model.js";

/*
 * The shipped bases: the weights of `model.ts` by their names and in their layout (in×out), one file a size of
 * vocabulary. `npm run lab -- pretrain` writes them.
 */

/** @param vocabulary tokens without the separator */
export function baseFile(vocabulary: number): URL {
  return new URL(`../../../assets/text-copy-${vocabulary}.safetensors`, import.meta.url);
}

const loaded = new Map<number, Promise<Weights>>();

/** The base for a vocabulary. Read once a process and never disposed of, because all tasks share it. */
export function loadBase(vocabulary: number): Promise<Weights> {
  const known = loaded.get(vocabulary);
  if (known) return known;
  const weights = readFile(baseFile(vocabulary)).then(decodeWeights);
  loaded.set(vocabulary, weights);
  return weights;
}

function decodeWeights(bytes: Uint8Array): Weights {
  const entries = [...decodeSafetensors(bytes).params].map(
    ([name, { shape, data }]) => [name, tf.tensor(data, [...shape], "float32")] as const,
  );
  return Object.fromEntries(entries) as Record<WeightName, tf.Tensor2D>;
}

export function encodeWeights(weights: Weights, metadata: Record<string, string>): Uint8Array {
  const entries = Object.entries(weights).map(([name, weight]): [string, Tensor] => [
    name,
    { shape: weight.shape, data: Float32Array.from(weight.dataSync()) },
  ]);
  return encodeSafetensors(new Map(entries), metadata);
}
