import {
  deltaShape,
  Products,
  UserError,
  yieldToEventLoop,
  type AggregationStream,
  type Delta,
  type Dense,
  type Update,
} from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { combineProducts } from "./products.js";

/**
 * A sum of changes that grows part by part in float64. It is dense: the factors of more than a
 * thousand clients, side by side, would take more memory than most modules.
 */
export class StreamedSum {
  readonly #modules = new Map<string, { readonly shape: readonly number[]; data: Float64Array }>();

  /**
   * Adds `weight` times the sum of the terms.
   * @throws UserError if a module has another size than before
   */
  async add(terms: readonly Delta[], weight = 1): Promise<void> {
    for (const [name, change] of terms.flatMap((term) => [...term])) {
      const numbers = await new Products().of(change);
      const module = this.#modules.get(name) ?? {
        shape: deltaShape(change),
        data: new Float64Array(numbers.length),
      };
      const { data } = module;
      if (data.length !== numbers.length) {
        throw new UserError(
          `module ${name} has ${numbers.length} numbers, and had ${data.length} before: all clients must send the same shapes`,
        );
      }
      for (let i = 0; i < data.length; i++) {
        data[i] = (data[i] as number) + weight * (numbers[i] as number);
      }
      this.#modules.set(name, module);
      await yieldToEventLoop();
    }
  }

  /** Divides the sum. @returns one term, or none if nothing was added */
  over(total: number): Delta[] {
    if (this.#modules.size === 0) return [];
    const quotients = [...this.#modules].map(([name, { shape, data }]): [string, Dense] => [
      name,
      { shape, data: data.map((x) => x / total) },
    ]);
    return [new Map(quotients)];
  }
}

/** The weights of some clients in a streamed mean, in the order of their updates. */
export interface StreamedWeights {
  /** w; they need not sum to 1. */
  readonly weights: Float64Array;
  /** c, the weights with which their changes are added. Default: w. */
  readonly clipped?: Float64Array;
}

/** Streams Σ c_k·X_k / Σ w_k. */
export function streamMean(
  weigh: (updates: readonly Update[]) => Promise<StreamedWeights> | StreamedWeights,
): AggregationStream {
  const mean = new StreamedSum();
  let total = 0;
  return {
    add: async (updates) => {
      const { weights, clipped = weights } = await weigh(updates);
      total += sum(weights);
      await mean.add(await combineProducts(updates, clipped));
    },
    finish: () => Promise.resolve({ change: mean.over(total) }),
  };
}
