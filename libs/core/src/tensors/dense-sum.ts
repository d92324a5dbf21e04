import { UserError } from "../words/errors.js";
import { Products } from "./merge.js";
import type { Dense } from "./tensor.js";
import { deltaShape, type Delta } from "./update.js";

/** A module of a sum, in float64. */
type Summed = Dense & { readonly data: Float64Array };

/** A sum of changes by module, in float64, with low-rank pairs multiplied out. */
export class DenseSum {
  readonly #modules = new Map<string, Summed>();

  get modules(): ReadonlyMap<string, Summed> {
    return this.#modules;
  }

  /**
   * Adds `weight` times the sum of the terms. Yields to the event loop between modules.
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
