import { indices, zip } from "../lists.js";
import { about, fit, iterate, movement, type About } from "./fit.js";
import type { Sought } from "./view.js";
import type { Energies, Reweighing, Step } from "./views.js";

/** The views of one module on the way from the fit to all clients. */
export class ModuleReweighing implements Reweighing {
  readonly #sought: readonly Sought[];
  #at: readonly About[];

  constructor(sought: readonly Sought[]) {
    this.#sought = sought;
    this.#at = sought.map((one) => about(one, fit(one, indices(one.view.blocks.length))));
  }

  energies(): Energies[] {
    return this.#at.map(({ energies }) => energies);
  }

  step(weights: readonly number[]): Step {
    const last = this.#at;
    this.#at = zip(this.#sought, last).map(([one, from]) =>
      about(one, iterate(one, weights, from)),
    );
    const moves = zip(last, this.#at).map(([from, to]) => movement(from.basis, to.basis));
    return { energies: this.energies(), moved: Math.max(...moves) };
  }

  drop(): void {
    this.#at = [];
  }
}
