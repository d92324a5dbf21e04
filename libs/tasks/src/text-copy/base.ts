import { readFile } from "node:fs/promises";
import * as tf from "@tensorflow/tfjs-core";
import { type Dense, decodeSafetensors, encodeSafetensors } from "@fedclair/core";
import type { WeightName, Weights } from "./model.js";

/*
 * The shipped bases: the weights of `model.ts` by name and in their layout (in×out), one file per
 * size of vocabulary. `npm run lab -- pretrain` writes them.
 */

/**
 * Returns the file of a base.
 * @param vocabulary number of tokens without the separator
 */
export function baseFile(vocabulary: number): URL {
  return new URL(`${import.meta.resolve("#task-assets")}/text-copy-${vocabulary}.safetensors`);
}

const bases = new Map<number, Promise<Weights>>();

/**
 * Loads the base for a vocabulary. It is read once per process and never disposed of, because all
 * tasks share it.
 */
export function loadBase(vocabulary: number): Promise<Weights> {
  const cached = bases.get(vocabulary);
  if (cached) return cached;
  const weights = readFile(baseFile(vocabulary)).then(decodeWeights);
  bases.set(vocabulary, weights);
  return weights;
}

function decodeWeights(bytes: Uint8Array): Weights {
  const entries = [...decodeSafetensors(bytes).params].map(
    ([name, { shape, data }]) => [name, tf.tensor(data, [...shape], "float32")] as const,
  );
  return Object.fromEntries(entries) as Record<WeightName, tf.Tensor2D>;
}

export function encodeWeights(weights: Weights, metadata: Record<string, string>): Uint8Array {
  const entries = Object.entries(weights).map(([name, weight]): [string, Dense] => [
    name,
    { shape: weight.shape, data: Float32Array.from(weight.dataSync()) },
  ]);
  return encodeSafetensors(new Map(entries), metadata);
}
