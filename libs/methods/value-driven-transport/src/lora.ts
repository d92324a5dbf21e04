import { addScaled, Matrix, multiply, multiplyNT, multiplyTN, type Stream } from "@fedclair/linalg";
import type { ModuleMatrices, Network } from "./network.js";

/** The modules that have adapters. */
export const adaptedModules = ["W1", "W2"] as const;
type AdaptedModule = (typeof adaptedModules)[number];
type AdapterPart = `${AdaptedModule}.${"down" | "up"}`;

/**
 * LoRA adapters (Hu et al. 2022): W + down·up with down in×rank and up rank×out, because weights
 * are stored input × output.
 */
export type TransportAdapters = Readonly<Record<AdapterPart, Matrix>>;

/**
 * Draws down ~ N(0, 1/in) and sets up = 0.
 * @param common the stream from which all clients of a round draw, so that their products are
 * comparable
 */
export function drawInitialAdapters(
  network: Network,
  rank: number,
  common: Stream,
): TransportAdapters {
  const down = (name: AdaptedModule) => {
    const { rows } = network[name];
    const entries = common.at("lora", name).normals(rows * rank, 1 / Math.sqrt(rows));
    return Matrix.fromRowMajor(rows, rank, entries);
  };
  const up = (name: AdaptedModule) => new Matrix(rank, network[name].cols);
  return { "W1.down": down("W1"), "W1.up": up("W1"), "W2.down": down("W2"), "W2.up": up("W2") };
}

/** Adds the product of the adapters to the network. */
export function adapted(network: Network, adapters: TransportAdapters): Network {
  const changed = (name: AdaptedModule) => {
    const out = network[name].copy();
    addScaled(out, 1, multiply(adapters[`${name}.down`], adapters[`${name}.up`]));
    return out;
  };
  return { ...network, W1: changed("W1"), W2: changed("W2") };
}

/**
 * Computes the adapters' gradient from that of the adapted network: d down = dW·upᵀ, d up =
 * downᵀ·dW.
 */
export function adapterGradient(
  gradient: ModuleMatrices,
  adapters: TransportAdapters,
): TransportAdapters {
  const down = (name: AdaptedModule) => multiplyNT(gradient[name], adapters[`${name}.up`]);
  const up = (name: AdaptedModule) => multiplyTN(adapters[`${name}.down`], gradient[name]);
  return { "W1.down": down("W1"), "W1.up": up("W1"), "W2.down": down("W2"), "W2.up": up("W2") };
}
