import { asFields, asList, jsonToMatrix, type Fields } from "@fedclair/core/cases";
import { multiply, type Matrix } from "@fedclair/linalg";
import { Float64Adam } from "@fedclair/tasks/shared";
import { beta2 } from "../../src/schedule.js";
import { couple } from "../../src/coupling.js";
import {
  dualStep,
  interpolate,
  valueGradientMatching,
  type CoupledBatch,
} from "../../src/dual-step.js";
import { adapted, adapterGradient, type TransportAdapters } from "../../src/lora.js";
import {
  byModule,
  inputsOf,
  moduleNames,
  spatialGradient,
  values,
  type ModuleMatrices,
  type Network,
  type WeightedSum,
} from "../../src/network.js";
import { followPolicy, guidedGradient } from "../../src/sampling.js";
import { readMatrix, readNumber, readNumbers, requireEqual, type Kind } from "./kind.js";
import { computePathResults } from "./measure-kinds.js";

const networkStep: Kind = {
  fields: [
    ...["d", "hidden", "H", "eps", "lambda0", "params"],
    ...["X", "y", "h_index", "source_index", "condition"],
  ],
  loose: "second_order_variant",
  run: (testCase) => {
    const horizon = readNumber(testCase, "H");
    const network = networkIn(testCase);
    requireEqual("d: columns of y", readMatrix(testCase, "y").cols, readNumber(testCase, "d"));
    requireEqual("hidden: columns of W2", network.W2.cols, readNumber(testCase, "hidden"));
    const times = readNumbers(testCase, "h_index").map((h) => h / horizon);
    const batch = batchIn(testCase, network, times);
    const { point } = interpolate(batch, horizon);
    const slope = spatialGradient(network, inputsOf(point, times, batch.condition), point.cols);
    const step = dualStep(network, batch, { horizon, lambda0: readNumber(testCase, "lambda0") });
    return {
      V0: [...values(network, inputsOf(batch.sources, 0, batch.condition))],
      gamma: batch.coupling?.transpose().toRows(),
      interpolant: point.toRows(),
      grad_x: slope.toRows(),
      action: slope.scale(-1 / horizon).toRows(),
      ...gradientResults(step),
      params_after_adam_lr_0_01: {
        ...rowsOf(new Float64Adam<keyof ModuleMatrices>(beta2).step(network, step.gradient, 0.01)),
        b3: [[network.b3]],
      },
      second_order_variant: gradientResults(valueGradientMatching(network, batch, horizon)),
    };
  },
};

const lora: Kind = {
  fields: ["H", "eps", "lambda0", "params", "adapters", "X", "y", "t", "source_index"],
  run: (testCase) => {
    const adapters = adaptersIn(testCase);
    const network = adapted(networkIn(testCase), adapters);
    const batch = batchIn(testCase, network, readNumbers(testCase, "t"));
    const settings = {
      horizon: readNumber(testCase, "H"),
      lambda0: readNumber(testCase, "lambda0"),
    };
    const { value, gradient } = dualStep(network, batch, settings);
    const parts = adapterGradient(gradient, adapters);
    return {
      delta: {
        W1: multiply(adapters["W1.down"], adapters["W1.up"]).toRows(),
        W2: multiply(adapters["W2.down"], adapters["W2.up"]).toRows(),
      },
      loss: value,
      adapter_grads: {
        W1: { A: parts["W1.down"].toRows(), B: parts["W1.up"].toRows() },
        W2: { A: parts["W2.down"].toRows(), B: parts["W2.up"].toRows() },
      },
    };
  },
};

const sampling: Kind = {
  fields: ["H", "params", "x0", "condition", "guidance"],
  run: async (testCase) => {
    const guidance = {
      condition: conditionIn(testCase),
      weight: readNumber(testCase, "guidance"),
    };
    const paths = followPolicy(
      guidedGradient(networkIn(testCase), guidance),
      readMatrix(testCase, "x0"),
      readNumber(testCase, "H"),
    );
    return { path: paths.map((x) => x.toRows()), ...(await computePathResults(paths)) };
  },
};

function networkIn(testCase: Fields): Network {
  const params = asFields(testCase.params, "params");
  const modules = byModule((name) => readMatrix(params, name));
  return { ...modules, b3: readMatrix(params, "b3").get(0, 0) };
}

function adaptersIn(testCase: Fields): TransportAdapters {
  const adapters = asFields(testCase.adapters, "adapters");
  const part = (module: string, factor: string): Matrix =>
    jsonToMatrix(asFields(adapters[module], module)[factor], `adapters.${module}.${factor}`);
  return {
    "W1.down": part("W1", "A"),
    "W1.up": part("W1", "B"),
    "W2.down": part("W2", "A"),
    "W2.up": part("W2", "B"),
  };
}

function batchIn(testCase: Fields, network: Network, times: readonly number[]): CoupledBatch {
  const [sources, targets] = [readMatrix(testCase, "X"), readMatrix(testCase, "y")];
  const condition = conditionIn(testCase);
  const v0 = values(network, inputsOf(sources, 0, condition));
  return {
    sources,
    targets,
    condition,
    times: Float64Array.from(times),
    pairs: Int32Array.from(readNumbers(testCase, "source_index")),
    coupling: couple(v0, sources, targets, readNumber(testCase, "eps")),
  };
}

function conditionIn({ condition }: Fields): number[] {
  if (condition === null || condition === undefined) return [];
  return [...jsonToMatrix([asList(condition, "condition")], "condition").data];
}

function gradientResults({ value, gradient, b3 }: WeightedSum) {
  return { loss: value, grads: { ...rowsOf(gradient), b3: [[b3]] } };
}

function rowsOf(modules: ModuleMatrices) {
  return Object.fromEntries(moduleNames.map((name) => [name, modules[name].toRows()]));
}

/** Kinds about the network and its training. */
export const networkKinds: Readonly<Record<string, Kind>> = {
  network_step: networkStep,
  lora,
  sampling,
};
