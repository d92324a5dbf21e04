import { multiplyNT } from "@fedclair/linalg";
import { outlierPursuit } from "../src/clair/subspace/outlier-pursuit.js";
import {
  fieldsOf,
  listOf,
  matrixOfJson,
  numberOf,
  type Fields,
  type Report,
} from "@fedclair/core/cases";

/** Kind convex: the optimum of block Outlier Pursuit. */
export function runConvex(testCase: Fields, report: Report): void {
  const blocks = listOf(testCase.blocks, "blocks").map((b, k) => matrixOfJson(b, `blocks[${k}]`));
  const { basis, nuclear, objective, blockNorms } = outlierPursuit(
    blocks,
    numberOf(testCase.lam, "lam"),
  );
  const {
    objectiveRel = 1e-4,
    sNormAbs = 2e-3,
    projectorAbs = 2e-3,
  } = fieldsOf(testCase.tol, "tol");
  const relative = { abs: 0, rel: numberOf(objectiveRel, "tol.objectiveRel") };
  const results: Readonly<Record<string, readonly [unknown, { abs: number; rel: number }]>> = {
    objective: [objective, relative],
    nuclear: [nuclear, relative],
    sNorms: [blockNorms, { abs: numberOf(sNormAbs, "tol.sNormAbs"), rel: 0 }],
    projector: [
      multiplyNT(basis, basis).toRows(),
      { abs: numberOf(projectorAbs, "tol.projectorAbs"), rel: 0 },
    ],
  };
  for (const [field, expected] of Object.entries(fieldsOf(testCase.expect, "expect"))) {
    const result = results[field];
    if (result === undefined) report.fail(field, "no such result of this kind of case");
    else report.near(field, result[0], expected, result[1]);
  }
}
