import { asFields, jsonToMatrix, asNumber, type Fields, type Report } from "@fedclair/core/cases";
import { Matrix } from "@fedclair/linalg";
import { certify } from "../../src/certificate.js";
import {
  createLadmmStart,
  runLadmmStep,
  computeLinearisationBound,
  type LadmmState,
} from "../../src/ladmm.js";
import {
  computeCommutator,
  computeCommutatorAdjoint,
  projectBall,
  projectGraph,
  projectUnitDegreeGraph,
  proxNegLog,
} from "../../src/operators.js";
import { absolute, failUnknown, readNumbers, type Tolerances } from "./compare.js";

/** Checks single operations and the first three iterations of L-ADMM. */
export function runUnit(unit: Fields, { unit_abs }: Tolerances, report: Report): void {
  const { C, S, X, M, comm, adj, proj_S, proj_S_row0, prox_log, ball, dual, ladmm3, ...unknown } =
    unit;
  const [c, s, x, m] = [
    jsonToMatrix(C, "C"),
    jsonToMatrix(S, "S"),
    jsonToMatrix(X, "X"),
    jsonToMatrix(M, "M"),
  ];
  const near = (field: string, got: unknown, expected: unknown) => {
    report.near(field, got, expected, absolute(unit_abs));
  };
  near("comm", computeCommutator(c, s).toRows(), comm);
  near("adj", computeCommutatorAdjoint(c, m).toRows(), adj);
  near("proj_S", projectGraph(x).toRows(), proj_S);
  near("proj_S_row0", projectUnitDegreeGraph(x).toRows(), proj_S_row0);

  const prox = asFields(prox_log, "prox_log");
  const ratio = asNumber(prox.alpha, "alpha") / asNumber(prox.rho, "rho");
  near(
    "prox_log.q",
    [...proxNegLog(Float64Array.from(readNumbers(prox.v, "prox_log.v")), ratio)],
    prox.q,
  );

  const { W, delta: radius, Z } = asFields(ball, "ball");
  near("ball.Z", projectBall(jsonToMatrix(W, "W"), asNumber(radius, "delta")).toRows(), Z);

  const { v, delta, alpha, value, M_scale } = asFields(dual, "dual");
  const problem = {
    covariance: c,
    delta: asNumber(delta, "delta"),
    alpha: asNumber(alpha, "alpha"),
  };
  const scaled = m.scale(asNumber(M_scale, "M_scale"));
  // The value after the repair that makes any multipliers feasible.
  const multipliers = Float64Array.from(readNumbers(v, "dual.v"));
  near("dual.value", certify(problem, s, scaled, multipliers).dualBound, value);

  runLadmm(asFields(ladmm3, "ladmm3"), c, near);
  failUnknown(report, unknown);
}

function runLadmm(
  fields: Fields,
  covariance: Matrix,
  near: (field: string, got: unknown, expected: unknown) => void,
): void {
  const problem = {
    covariance,
    delta: asNumber(fields.delta, "delta"),
    alpha: asNumber(fields.alpha, "alpha"),
  };
  // The file describes it as: S0 = 11' - I, q0 = S0 1, Z0 = 0, multipliers 0.
  const tau = asNumber(fields.tau1, "tau1") * computeLinearisationBound(covariance);
  const n = covariance.rows;
  let state: LadmmState = { ...createLadmmStart(problem, 1), z: new Matrix(n, n) };
  for (let iteration = 0; iteration < 3; iteration++) {
    state = runLadmmStep(problem, state, asNumber(fields.rho, "rho"), tau);
  }
  near("ladmm3.S", state.s.toRows(), fields.S);
  near("ladmm3.Z", state.z.toRows(), fields.Z);
  near("ladmm3.q", [...state.q], fields.q);
  near("ladmm3.Lambda", state.lambda.toRows(), fields.Lambda);
  near("ladmm3.lam", [...state.v], fields.lam);
}
