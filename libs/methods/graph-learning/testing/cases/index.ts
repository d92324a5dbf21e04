import { UserError } from "@fedclair/core";
import {
  asFields,
  isFields,
  asList,
  Report,
  type CaseFormat,
  type Outcome,
} from "@fedclair/core/cases";
import { runPooling } from "./pooling.js";
import { runProblem } from "./problem.js";
import { failUnknown, readTolerances } from "./compare.js";
import { runUnit } from "./unit.js";

/**
 * The reference cases of (r)LogSpecT: single operations, pooling of contaminated covariances, and
 * whole problems.
 */
export const format: CaseFormat = {
  method: "logspect",
  recognises: (file) =>
    isFields(file) &&
    Array.isArray(file.cases) &&
    file.cases.length > 0 &&
    file.cases.every((c) => isFields(c) && "C_upper" in c && "delta" in c),
  run: async (file) => {
    const { format, tolerances, unit, pooling, cases, ...others } = asFields(file, "file");
    if (format !== 1) throw new UserError(`format: expected 1, got ${String(format)}`);
    const within = readTolerances(tolerances);
    const outcomes = [
      await outcomeOf("file", (report) => {
        failUnknown(report, { ...others, note: undefined });
      }),
    ];
    const add = async (name: string, run: (report: Report) => void | Promise<void>) => {
      outcomes.push(await outcomeOf(name, run));
    };
    if (unit !== undefined) {
      await add("unit", (report) => {
        runUnit(asFields(unit, "unit"), within, report);
      });
    }
    if (pooling !== undefined) {
      await add("pooling", (report) => runPooling(asFields(pooling, "pooling"), report));
    }
    for (const [i, testCase] of asList(cases, "cases").entries()) {
      const fields = asFields(testCase, `cases[${i}]`);
      const name = typeof fields.id === "string" ? fields.id : `cases[${i}]`;
      await add(name, (report) => runProblem(fields, within, report));
    }
    return outcomes;
  },
};

async function outcomeOf(
  name: string,
  run: (report: Report) => void | Promise<void>,
): Promise<Outcome> {
  const report = new Report();
  try {
    await run(report);
  } catch (error) {
    // One broken case must not hide the results of the others.
    report.fail("error", error instanceof Error ? error.message : String(error));
  }
  return { name, mismatches: report.mismatches };
}
