import { readBase } from "#text-copy-base";
import * as tf from "@tensorflow/tfjs-core";
import { type Dense, decodeSafetensors, encodeSafetensors } from "@fedclair/core";
import type { WeightName, TransformerWeights } from "./model.js";

const bases = new Map<number, Promise<TransformerWeights>>();

/**
 * Loads the base for a vocabulary. It is read once per process and never disposed of, because all
 * tasks share it.
 */
export function loadBase(vocabulary: number): Promise<TransformerWeights> {
  const cached = bases.get(vocabulary);
  if (cached) return cached;
  const weights = readBase(vocabulary).then(decodeWeights);
  bases.set(vocabulary, weights);
  return weights;
}

function decodeWeights(bytes: Uint8Array): TransformerWeights {
  const entries = [...decodeSafetensors(bytes).params].map(
    ([name, { shape, data }]) => [name, tf.tensor(data, [...shape], "float32")] as const,
  );
  return Object.fromEntries(entries) as Record<WeightName, tf.Tensor2D>;
}

export function encodeWeights(
  weights: TransformerWeights,
  metadata: Record<string, string>,
): Uint8Array {
  const entries = Object.entries(weights).map(([name, weight]): [string, Dense] => [
    name,
    { shape: weight.shape, data: Float32Array.from(weight.dataSync()) },
  ]);
  return encodeSafetensors(new Map(entries), metadata);
}
