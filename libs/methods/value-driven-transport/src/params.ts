import { type Dense, toDense, toMatrix, type Delta, type Params } from "@fedclair/core";
import { addScaled, Matrix } from "@fedclair/linalg";
import { byModule, moduleNames, type ModuleMatrices, type Network } from "./network.js";

/** Converts modules to float32 tensors, input × output, for sending. */
export function toTensors(modules: ModuleMatrices): Params {
  return new Map(moduleNames.map((name) => [name, toFloat32Tensor(modules[name])]));
}

export function toFloat32Tensor(matrix: Matrix): Dense {
  return {
    shape: [matrix.rows, matrix.cols],
    data: Float32Array.from(matrix.toRowMajor()),
  };
}

/**
 * Reads a network from params.
 * @throws Error if a module is missing
 */
export function networkOf(params: Params): Network {
  const modules = byModule((name) => {
    const tensor = params.get(name);
    if (!tensor) throw new Error(`value-driven-transport: params without module ${name}`);
    return toMatrix(tensor);
  });
  return { ...modules, b3: 0 };
}

/** Sums an aggregate's terms, multiplied out. A module that no term has becomes zeros. */
export function sumTerms(terms: readonly Delta[], like: ModuleMatrices): ModuleMatrices {
  return byModule((name) => {
    const total = new Matrix(like[name].rows, like[name].cols);
    for (const term of terms) {
      const change = term.get(name);
      if (change) addScaled(total, 1, toDense(change));
    }
    return total;
  });
}

/** Adds a change to a network. */
export function addChange(network: Network, change: ModuleMatrices): Network {
  const modules = byModule((name) => {
    const sum = network[name].copy();
    addScaled(sum, 1, change[name]);
    return sum;
  });
  return { ...modules, b3: network.b3 };
}
