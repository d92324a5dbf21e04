import { asFields, asList, jsonToMatrix, type Fields } from "@fedclair/core/cases";
import { GaussianTransport } from "../../src/gaussian.js";
import {
  displacement,
  dualCertificate,
  modeCoverage,
  optimality,
  pathEnergy,
  slicedW2,
  squaredW2,
  straightness,
} from "../../src/metrics.js";
import { Matrix } from "@fedclair/linalg";
import { followPolicy } from "../../src/sampling.js";
import { readMatrix, readNumber, readNumbers, type Kind } from "./kind.js";

const w2: Kind = {
  fields: ["x", "y"],
  run: async (testCase) => {
    const squared = await squaredW2(readMatrix(testCase, "x"), readMatrix(testCase, "y"));
    return { w2_squared: squared, w2: Math.sqrt(squared) };
  },
};

const path: Kind = {
  fields: ["path"],
  run: (testCase) =>
    computePathResults(asList(testCase.path, "path").map((x, h) => jsonToMatrix(x, `path[${h}]`))),
};

/** Computes the results that cases expect of a path. */
export async function computePathResults(states: readonly Matrix[]) {
  const [start, end] = [states[0], states.at(-1)];
  return {
    energy: pathEnergy(states),
    displacement: start && end && displacement(start, end),
    straightness: straightness(states),
    optimality: await optimality(states),
  };
}

const certificate: Kind = {
  fields: ["v0", "x", "y"],
  run: async (testCase) => {
    const [x, y] = [readMatrix(testCase, "x"), readMatrix(testCase, "y")];
    const v0 = Float64Array.from(readNumbers(testCase, "v0"));
    return {
      lower_bound: dualCertificate(v0, x, y),
      half_w2_squared: (await squaredW2(x, y)) / 2,
    };
  },
};

const sliced: Kind = {
  fields: ["x", "y", "directions"],
  run: (testCase) =>
    slicedW2(
      readMatrix(testCase, "x"),
      readMatrix(testCase, "y"),
      readNumber(testCase, "directions"),
    ),
};

const coverage: Kind = {
  fields: ["points", "centers", "radius", "min_share"],
  run: (testCase) => ({
    ...modeCoverage(
      readMatrix(testCase, "points"),
      readMatrix(testCase, "centers"),
      readNumber(testCase, "radius"),
      readNumber(testCase, "min_share"),
    ),
  }),
};

const gaussian: Kind = {
  fields: ["m0", "S0", "m1", "S1", "x0", "z", "H"],
  run: (testCase) => {
    const transport = new GaussianTransport(
      { mean: rowIn(testCase, "m0"), covariance: readMatrix(testCase, "S0") },
      { mean: rowIn(testCase, "m1"), covariance: readMatrix(testCase, "S1") },
    );
    const z = readMatrix(testCase, "z");
    const expected = asFields(testCase.expected, "expected");
    const atTimes = (field: string, of: (t: number) => unknown) =>
      Object.fromEntries(
        Object.keys(asFields(expected[field], field)).map((t) => [t, of(Number(t))]),
      );
    const starts = readMatrix(testCase, "x0");
    const paths = followPolicy(
      (points, t) => transport.gradients(points, t),
      starts,
      readNumber(testCase, "H"),
    );
    return {
      A: transport.a.toRows(),
      w2_squared: transport.squaredW2,
      value: atTimes("value", (t) => [...transport.values(z, t)]),
      grad: atTimes("grad", (t) => transport.gradients(z, t).toRows()),
      map: transport.map(starts).toRows(),
      path_end: paths.at(-1)?.toRows(),
      straightness: straightness(paths),
    };
  },
};

function rowIn(fields: Fields, name: string): Matrix {
  return Matrix.fromRows([readNumbers(fields, name)]);
}

/** Kinds about samples and closed forms, without a network. */
export const measureKinds: Readonly<Record<string, Kind>> = {
  w2,
  path,
  dual_certificate: certificate,
  sliced_w2: sliced,
  mode_coverage: coverage,
  gaussian,
};
