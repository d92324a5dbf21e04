import { zeros, type Dense, type Params } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { loraModules, width } from "./shape.js";

/*
 * Adapters as params: the factors of each module by name, B width×rank and A rank×width.
 */

/** The names of the factors of a module's adapter in params that hold adapters. */
export function factorNames(module: string): { readonly b: string; readonly a: string } {
  return { b: `${module}.B`, a: `${module}.A` };
}

/**
 * Draws the adapters of all modules: A₀ ~ N(0, 1/in), rank×width, and B₀ = 0, width×rank (LoRA, Hu
 * et al. 2022).
 * @param rng the same stream gives the same adapters
 */
export function drawTransformerAdapters(rank: number, rng: Stream): Params {
  const factors = loraModules.flatMap((module): [string, Dense][] => {
    const { b, a } = factorNames(module);
    const drawn = rng.at("lora", module).normals(rank * width, 1 / Math.sqrt(width));
    return [
      [b, zeros([width, rank])],
      [a, { shape: [rank, width], data: new Float32Array(drawn) }],
    ];
  });
  return new Map(factors);
}
