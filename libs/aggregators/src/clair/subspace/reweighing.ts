import type { Matrix } from "@fedclair/linalg";
import { indices, zip } from "../lists.js";
import { energiesOf, fit, iterate, movement } from "./fit.js";
import type { Sought } from "./view.js";
import type { Energies, Reweighing, Step } from "./views.js";

/** The views of one module on the way from the fit to all clients. */
export class ModuleReweighing implements Reweighing {
  readonly #sought: readonly Sought[];
  #bases: readonly Matrix[];

  constructor(sought: readonly Sought[]) {
    this.#sought = sought;
    this.#bases = sought.map((one) => fit(one, indices(one.view.blocks.length)));
  }

  energies(): Energies[] {
    return zip(this.#sought, this.#bases).map((pair) => energiesOf(...pair));
  }

  step(weights: readonly number[]): Step {
    const last = this.#bases;
    this.#bases = zip(this.#sought, last).map(([one, basis]) => iterate(one, weights, basis));
    const moved = Math.max(...zip(last, this.#bases).map((pair) => movement(...pair)));
    return { energies: this.energies(), moved };
  }

  drop(): void {
    this.#bases = [];
  }
}
