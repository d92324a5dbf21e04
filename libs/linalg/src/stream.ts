import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/**
 * A keyed stream of random numbers: the same seed and the same keys give the same numbers, in any
 * process and in any order of use. Every random number of a trial comes from
 * `stream(trialSeed).at(purpose, client id, round)`, so the result does not depend on which host
 * trains which client, or when.
 */
export class Stream {
  /** Identifies the stream: streams with the same path draw the same numbers. */
  readonly path: string;
  #generator: RandomGenerator | undefined;
  #spareNormal: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Derives an independent stream. It neither consumes numbers of this stream nor depends on those
   * already drawn.
   */
  at(...keys: readonly (string | number)[]): Stream {
    // JSON keeps ("a", "b/c") and ("a/b", "c") apart, which a plain separator would not.
    return new Stream(this.path + JSON.stringify(keys));
  }

  /** Uniform in [0, 1), 53 random bits. */
  uniform(): number {
    return uniformFloat64(this.#rng());
  }

  /** Uniform integer in 0 … `bound` - 1. @throws RangeError unless `bound` is a positive integer */
  int(bound: number): number {
    if (!Number.isSafeInteger(bound) || bound < 1) {
      throw new RangeError(`int(bound): expected a positive integer, got ${bound}`);
    }
    return uniformInt(this.#rng(), 0, bound - 1);
  }

  /** Standard normal, by the Box–Muller transform. */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** `length` standard normals multiplied by `scale`. */
  normals(length: number, scale = 1): Float64Array {
    return Float64Array.from({ length }, () => scale * this.normal());
  }

  /**
   * Gamma(`shape`, 1) with `shape` > 0, by Marsaglia and Tsang (2000); for shape < 1 with the boost
   * of their section 6.
   */
  gamma(shape: number): number {
    if (!(shape > 0 && shape < Infinity)) {
      throw new RangeError(`gamma(shape): expected a finite number > 0, got ${shape}`);
    }
    if (shape < 1) return this.gamma(shape + 1) * (1 - this.uniform()) ** (1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      if (Math.log(1 - this.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  }

  /** A point on the simplex of `size` categories, symmetric Dirichlet(`concentration`). */
  dirichlet(size: number, concentration: number): Float64Array {
    const draws = Float64Array.from({ length: size }, () => this.gamma(concentration));
    const total = draws.reduce((sum, x) => sum + x, 0);
    // A tiny concentration can underflow every draw; then one category gets all the mass.
    if (total === 0) draws[this.int(size)] = 1;
    return draws.map((x) => x / (total || 1));
  }

  /**
   * An index drawn with the given probabilities (non-negative, summing to about 1).
   * @throws RangeError if there are none
   */
  categorical(probabilities: ArrayLike<number>): number {
    if (probabilities.length === 0) throw new RangeError("categorical: expected probabilities");
    let left = this.uniform();
    for (let i = 0; i < probabilities.length - 1; i++) {
      left -= probabilities[i] as number;
      if (left < 0) return i;
    }
    return probabilities.length - 1;
  }

  /** `count` distinct items in random order (Fisher–Yates); by default all of them, shuffled. */
  sample<T>(items: readonly T[], count = items.length): T[] {
    if (!Number.isInteger(count) || count < 0 || count > items.length) {
      throw new RangeError(`sample(items, count): expected 0 to ${items.length}, got ${count}`);
    }
    const pool = [...items];
    for (let i = 0; i < count; i++) {
      const j = i + this.int(pool.length - i);
      [pool[i], pool[j]] = [pool[j] as T, pool[i] as T];
    }
    return pool.slice(0, count);
  }

  #rng(): RandomGenerator {
    return (this.#generator ??= xoroshiro128plusFromState(hash128(this.path)));
  }
}

/** The root stream of a trial. @param seed any finite number or string */
export function stream(seed: number | string): Stream {
  return new Stream(JSON.stringify(seed));
}

/**
 * Hashes a string to 128 bits: four 32-bit FNV-1a passes with different offsets, each finished as
 * in MurmurHash3.
 */
function hash128(text: string): number[] {
  return [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35].map((offset) => {
    let h = offset;
    for (let i = 0; i < text.length; i++) {
      h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
    }
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return h ^ (h >>> 16);
  });
}
