import { DenseSum } from "../tensors/dense-sum.js";
import { dtypeOf, zeros, type Dense, type Params } from "../tensors/tensor.js";
import type { Update } from "../tensors/update.js";
import { yieldToEventLoop } from "../words/yield-to-event-loop.js";

/**
 * The control variates of SCAFFOLD (Karimireddy et al., ICML 2020, arXiv 1910.06378, algorithm 1
 * with option II). Clients whose data differ drift apart while they take several steps. Each is
 * pulled back by c - c_i, where c_i is the mean gradient of the client's last steps, and c that of
 * all clients.
 *
 * The coordinator computes them, because clients keep nothing between jobs: with Δ_i the change
 * that a client sent and s_i the sum of its learning rates, c_i⁺ = c_i - c - Δ_i/s_i.
 */
export interface ControlVariates {
  /** The variate c of all clients. */
  readonly common: Params;
  /** The variate c_i of each client that has taken part, by client id. Others have zeros. */
  readonly own: ReadonlyMap<string, Params>;
}

/** The part of a trial's state that corrections follow from. */
interface Corrected {
  readonly params: Params;
  /** Absent before the first round. */
  readonly controls?: ControlVariates;
}

/** What a client adds to the gradient of each step: c - c_i, in the dtypes of the params. */
export function controlFor({ params, controls }: Corrected, clientId: string): Params {
  const own = controls?.own.get(clientId);
  return mapParams(params, (name, tensor) => {
    const common = controls?.common.get(name) ?? zeros(tensor.shape, dtypeOf(tensor));
    const mine = own?.get(name);
    return mine ? combine(common, (x, i) => x - (mine.data[i] as number)) : common;
  });
}

/**
 * Computes the control variates after a round, from the changes that arrived, attacks included. A
 * client that reports no positive `stepSum` keeps its own.
 * @param clients the number of all clients of the trial
 */
export async function nextControls(
  state: Corrected,
  clients: number,
  updates: readonly Update[],
): Promise<ControlVariates> {
  const own = new Map(state.controls?.own);
  const sum = new DenseSum();
  for (const { clientId, delta, metrics } of updates) {
    const stepSum = metrics.stepSum ?? 0;
    if (!(stepSum > 0)) continue;
    const change = new DenseSum();
    await change.add([delta], -1 / stepSum);
    await change.add([state.controls?.common ?? new Map()], -1);
    await sum.add([change.modules], 1 / clients);
    own.set(clientId, addTo(state.params, own.get(clientId), change.modules));
    await yieldToEventLoop();
  }
  return { common: addTo(state.params, state.controls?.common, sum.modules), own };
}

/** Adds a change to a variate. @param variate default: zeros like the params */
function addTo(params: Params, variate: Params | undefined, change: Params): Params {
  return mapParams(params, (name, tensor) => {
    const before = variate?.get(name) ?? zeros(tensor.shape, dtypeOf(tensor));
    const added = change.get(name);
    return added ? combine(before, (x, i) => x + (added.data[i] as number)) : before;
  });
}

function mapParams(params: Params, change: (name: string, tensor: Dense) => Dense): Params {
  return new Map([...params].map(([name, tensor]) => [name, change(name, tensor)]));
}

function combine({ shape, data }: Dense, change: (x: number, i: number) => number): Dense {
  return { shape, data: data.map(change) };
}
