import { item } from "@fedclair/linalg";
import { UserError } from "@fedclair/core";
import { asList, jsonToMatrix, type Fields } from "@fedclair/core/cases";
import type { Matrix } from "@fedclair/linalg";
import { couple } from "../../src/coupling.js";
import {
  bellman,
  dualValue,
  dualViolation,
  solveFiniteStates,
  stepCosts,
  type ValueTable,
} from "../../src/finite-states.js";
import { squaredW2 } from "../../src/metrics.js";
import { semiDualAscent, semiDualMeasures } from "../../src/semi-dual.js";
import { readMatrix, readNumber, readNumbers, type Kind } from "./kind.js";

/** Rounding error of sums of numbers with few decimals. */
const rounding = 1e-9;

const bellmanKind: Kind = {
  fields: ["points", "V_H", "H"],
  run: (testCase) => {
    const horizon = readNumber(testCase, "H");
    const costs = stepCosts(readMatrix(testCase, "points"), horizon);
    return { V: bellman(costs, readNumbers(testCase, "V_H"), horizon).map((row) => [...row]) };
  },
};

const lp: Kind = {
  fields: ["points", "src", "tgt", "H", "one_optimal_dual"],
  run: async (testCase) => {
    const points = readMatrix(testCase, "points");
    const horizon = readNumber(testCase, "H");
    const [src, tgt] = [readNumbers(testCase, "src"), readNumbers(testCase, "tgt")];
    const { value, table } = await solveFiniteStates(points, src, tgt, horizon);
    const costs = stepCosts(points, horizon);
    requireOptimal("the dual found", table, costs, value, src, tgt);
    if (testCase.one_optimal_dual !== undefined) {
      const listed = tableIn(testCase, "one_optimal_dual");
      requireOptimal("one_optimal_dual", listed, costs, value, src, tgt);
    }
    return { value };
  },
};

/**
 * Requires a table that is feasible for the dual LP and has its optimal value.
 * @throws UserError otherwise
 */
function requireOptimal(
  name: string,
  table: ValueTable,
  costs: Matrix,
  value: number,
  src: readonly number[],
  tgt: readonly number[],
): void {
  const excess = dualViolation(costs, table);
  if (excess > rounding) throw new UserError(`${name} violates a constraint by ${excess}`);
  const got = dualValue(table, src, tgt);
  if (Math.abs(got - value) > rounding) {
    throw new UserError(`${name} has the value ${got}, the primal has ${value}`);
  }
}

function tableIn(fields: Fields, name: string): ValueTable {
  return asList(fields[name], name).map((row, h) =>
    jsonToMatrix([row], `${name}[${h}]`).toRowMajor(),
  );
}

const tabular: Kind = {
  fields: ["X", "Y", "eps", "alpha", "iters", "gamma_initial"],
  run: async (testCase) => {
    const [x, y] = [readMatrix(testCase, "X"), readMatrix(testCase, "Y")];
    const [eps, alpha] = [readNumber(testCase, "eps"), readNumber(testCase, "alpha")];
    const after = (iterations: number) => {
      const v0 = semiDualAscent(x, y, { eps, alpha, iterations });
      const measures = semiDualMeasures(v0, x, y, eps);
      return {
        v0: [...v0],
        gamma: measures.coupling.transpose().toRows(),
        dual_eps: measures.entropicDual,
        dual_hard: measures.hardDual,
        primal_cost: measures.primalCost,
        marginal_l1: measures.marginalError,
      };
    };
    const initial = couple(new Float64Array(x.rows), x, y, eps).transpose();
    requireNear("gamma_initial", readMatrix(testCase, "gamma_initial"), initial);
    return {
      after_1: after(1),
      after_all: after(readNumber(testCase, "iters")),
      exact_half_w2_squared: (await squaredW2(x, y)) / 2,
    };
  },
};

/** Requires equality, for a result that a case gives outside of `expected`. */
function requireNear(name: string, expected: Matrix, computed: Matrix): void {
  const worst = expected.data.reduce(
    (most, value, k) => Math.max(most, Math.abs(value - item(computed.data, k))),
    0,
  );
  if (!(worst <= 1e-7)) throw new UserError(`${name} differs by ${worst} from what is computed`);
}

/** Kinds on finitely many states or points, without a network. */
export const finiteKinds: Readonly<Record<string, Kind>> = { bellman: bellmanKind, lp, tabular };
