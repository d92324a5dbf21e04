import {
  asFields,
  isFields,
  asList,
  Report,
  type CaseFormat,
  type Fields,
  type Outcome,
} from "@fedclair/core/cases";
import type { Kind } from "./checks.js";
import { runCurve, runDensity } from "./density-kinds.js";
import { runFederated } from "./federated-kind.js";
import { runDiscrete, runFit } from "./histogram-kinds.js";

const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["density", runDensity],
  ["curve", runCurve],
  ["discrete", runDiscrete],
  ["fit", runFit],
  ["federated", runFederated],
]);

/**
 * The format `{ "tolerance": { "gamma": { "rel" }, … }, "cases": [{ "id", "kind", …, "expect" }]
 * }`, in which null means infinity.
 */
export const format: CaseFormat = {
  method: "evaluation-bias",
  recognises: (file) =>
    isFields(file) &&
    isFields(file.tolerance) &&
    Array.isArray(file.cases) &&
    file.cases.length > 0 &&
    file.cases.every((c) => isFields(c) && typeof c.id === "string" && isFields(c.expect)),
  run: (file) => {
    const { tolerance, cases, ...others } = asFields(file, "file");
    const tolerances = asFields(tolerance, "tolerance");
    const outcomes = asList(cases, "cases").map((entry) =>
      runCase(asFields(entry, "case"), tolerances),
    );
    const surplus = Object.keys(others).filter((field) => field !== "description");
    const message = "no such field of a file of this method";
    return Promise.resolve([
      ...outcomes,
      ...surplus.map((field): Outcome => ({ name: field, mismatches: [{ field, message }] })),
    ]);
  },
};

function runCase(testCase: Fields, tolerances: Fields): Outcome {
  const report = new Report();
  const kind = kinds.get(String(testCase.kind));
  try {
    if (kind === undefined)
      report.fail("kind", `no function yet for kind ${String(testCase.kind)}`);
    else kind(testCase, report, tolerances);
  } catch (error) {
    // One broken case must not hide the results of the others.
    report.fail("error", error instanceof Error ? error.message : String(error));
  }
  return { name: String(testCase.id), mismatches: report.mismatches };
}
