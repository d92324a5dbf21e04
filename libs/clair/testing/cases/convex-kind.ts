import { multiplyNT } from "@fedclair/linalg";
import {
  asFields,
  asList,
  jsonToMatrix,
  asNumber,
  type Fields,
  type Report,
} from "@fedclair/core/cases";
import { outlierPursuit } from "./outlier-pursuit.js";

/** Kind convex: the optimum of block Outlier Pursuit. */
export function runConvex(testCase: Fields, report: Report): void {
  const blocks = asList(testCase.blocks, "blocks").map((b, k) => jsonToMatrix(b, `blocks[${k}]`));
  const { basis, nuclear, objective, blockNorms } = outlierPursuit(
    blocks,
    asNumber(testCase.lam, "lam"),
  );
  const {
    objectiveRel = 1e-4,
    sNormAbs = 2e-3,
    projectorAbs = 2e-3,
  } = asFields(testCase.tol, "tol");
  const relative = { abs: 0, rel: asNumber(objectiveRel, "tol.objectiveRel") };
  const results: Readonly<Record<string, readonly [unknown, { abs: number; rel: number }]>> = {
    objective: [objective, relative],
    nuclear: [nuclear, relative],
    sNorms: [blockNorms, { abs: asNumber(sNormAbs, "tol.sNormAbs"), rel: 0 }],
    projector: [
      multiplyNT(basis, basis).toRows(),
      { abs: asNumber(projectorAbs, "tol.projectorAbs"), rel: 0 },
    ],
  };
  for (const [field, expected] of Object.entries(asFields(testCase.expect, "expect"))) {
    const result = results[field];
    if (result === undefined) report.fail(field, "no such result of this kind of case");
    else report.near(field, result[0], expected, result[1]);
  }
}
