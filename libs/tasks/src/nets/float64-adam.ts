import { Matrix, at } from "@fedclair/linalg";

const beta1 = 0.9;
const epsilon = 1e-8;

/**
 * The state of Adam: the number of steps and, for each matrix, the running means of slopes and of
 * squared slopes.
 */
export interface AdamState {
  readonly steps: number;
  readonly moments: ReadonlyMap<
    string,
    { readonly first: Float64Array; readonly second: Float64Array }
  >;
}

/**
 * Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1) on named matrices in float64, with ε = 1e-8.
 */
export class Float64Adam<Name extends string> {
  readonly #beta2: number;
  readonly #moments: Map<string, { readonly first: Float64Array; readonly second: Float64Array }>;
  #step: number;

  /**
   * @param beta2 decay of the mean of squared slopes per step, below 1; that of slopes is 0.9
   * @param state the state from which to continue; it is not modified
   */
  constructor(beta2: number, { steps, moments }: AdamState = { steps: 0, moments: new Map() }) {
    this.#beta2 = beta2;
    this.#step = steps;
    this.#moments = structuredClone(new Map(moments));
  }

  get state(): AdamState {
    return { steps: this.#step, moments: this.#moments };
  }

  /**
   * Makes one bias-corrected step down the gradient.
   * @returns the new weights; the given ones are not modified
   */
  step(
    weights: Readonly<Record<Name, Matrix>>,
    gradient: Readonly<Record<Name, Matrix>>,
    rate: number,
  ): Record<Name, Matrix> {
    this.#step++;
    const beta2 = this.#beta2;
    const [bias1, bias2] = [1 - beta1 ** this.#step, 1 - beta2 ** this.#step];
    const out = {} as Record<Name, Matrix>;
    for (const name of Object.keys(gradient) as Name[]) {
      const next = weights[name].copy();
      const g = gradient[name].data;
      const { first, second } = this.#momentsOf(name, g.length);
      for (let i = 0; i < g.length; i++) {
        const slope = at(g, i);
        const m = beta1 * at(first, i) + (1 - beta1) * slope;
        const v = beta2 * at(second, i) + (1 - beta2) * slope ** 2;
        first[i] = m;
        second[i] = v;
        next.data[i] = at(next.data, i) - (rate * (m / bias1)) / (Math.sqrt(v / bias2) + epsilon);
      }
      out[name] = next;
    }
    return out;
  }

  #momentsOf(name: string, length: number) {
    const existing = this.#moments.get(name);
    if (existing) return existing;
    const moments = { first: new Float64Array(length), second: new Float64Array(length) };
    this.#moments.set(name, moments);
    return moments;
  }
}
