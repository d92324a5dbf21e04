import { indices, zip } from "@fedclair/linalg";
import { evaluateFit, fit, iterate, measureMovement, type EvaluatedFit } from "./fit.js";
import type { RankedView } from "./view.js";
import type { Energies, Reweighing, Step } from "./views.js";

/** The reweighted fits of one module's views, which start from the fit to all clients. */
export class ModuleReweighing implements Reweighing {
  readonly #views: readonly RankedView[];
  #fits: readonly EvaluatedFit[];

  constructor(views: readonly RankedView[]) {
    this.#views = views;
    this.#fits = views.map((one) => evaluateFit(one, fit(one, indices(one.view.blocks.length))));
  }

  energies(): Energies[] {
    return this.#fits.map(({ energies }) => energies);
  }

  step(weights: readonly number[]): Step {
    const last = this.#fits;
    this.#fits = zip(this.#views, last).map(([one, from]) =>
      evaluateFit(one, iterate(one, weights, from)),
    );
    const moves = zip(last, this.#fits).map(([from, to]) => measureMovement(from.basis, to.basis));
    return { energies: this.energies(), moved: Math.max(...moves) };
  }

  drop(): void {
    this.#fits = [];
  }
}
