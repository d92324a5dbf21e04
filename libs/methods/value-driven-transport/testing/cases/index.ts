import { UserError } from "@fedclair/core";
import {
  asFields,
  isFields,
  asList,
  Report,
  type CaseFormat,
  type Fields,
  type Outcome,
} from "@fedclair/core/cases";
import { finiteKinds } from "./finite-kinds.js";
import { runKind, type Kind, type Tolerances } from "./kind.js";
import { measureKinds } from "./measure-kinds.js";
import { networkKinds } from "./network-kinds.js";
import { runTraining } from "./training-runs.js";

const kinds = new Map<string, Kind>(
  Object.entries({ ...measureKinds, ...finiteKinds, ...networkKinds }),
);

/**
 * The format `{ conventions, tolerance, cases: [{ kind, …, expected }], training: [{ name, …,
 * thresholds }] }`; `conventions` is a description.
 */
export const format: CaseFormat = {
  method: "value-driven-transport",
  recognises: (file) =>
    isFields(file) &&
    Array.isArray(file.cases) &&
    file.cases.length > 0 &&
    file.cases.every((c) => isFields(c) && typeof c.kind === "string" && "expected" in c),
  run: async (file) => {
    const { tolerance, cases, training, ...others } = asFields(file, "file");
    const tolerances = readTolerances(asFields(tolerance, "tolerance"));
    const outcomes: Outcome[] = [];
    const add = async (name: string, run: (report: Report) => Promise<void>) => {
      outcomes.push({ name, mismatches: await listMismatches(run) });
    };
    for (const [i, entry] of asList(cases, "cases").entries()) {
      const testCase = asFields(entry, "case");
      const name = `${i} ${String(testCase.kind)}`;
      await add(name, (report) => runCase(testCase, report, tolerances));
    }
    for (const entry of asList(training ?? [], "training")) {
      const run = asFields(entry, "training");
      await add(`training ${String(run.name)}`, (report) => runTraining(run, report));
    }
    for (const field of Object.keys(others).filter((name) => name !== "conventions")) {
      await add(field, (report) => {
        report.fail(field, "no such field of a file of this method");
        return Promise.resolve();
      });
    }
    return outcomes;
  },
};

async function runCase(testCase: Fields, report: Report, tolerances: Tolerances): Promise<void> {
  const kind = kinds.get(String(testCase.kind));
  if (kind) await runKind(kind, testCase, report, tolerances);
  else report.fail("kind", `no function yet for kind ${String(testCase.kind)}`);
}

/** Lists the mismatches of one case. A broken case must not hide the results of the others. */
async function listMismatches(run: (report: Report) => Promise<void>) {
  const report = new Report();
  try {
    await run(report);
  } catch (error) {
    report.fail("error", error instanceof Error ? error.message : String(error));
  }
  return report.mismatches;
}

/**
 * Reads the tolerances. Everything is computed in float64, so the tolerance for float32 is not
 * used.
 * @throws UserError for a text of another form
 */
function readTolerances({
  float64 = "1e-7 absolute (second_order_variant 1e-4)",
}: Fields): Tolerances {
  const [, exact, loose] =
    /^(\S+) absolute \(second_order_variant (\S+)\)$/.exec(String(float64)) ?? [];
  if (exact === undefined || loose === undefined) {
    throw new UserError(
      `tolerance.float64: expected "… absolute (second_order_variant …)", got ${String(float64)}`,
    );
  }
  return { exact: { abs: Number(exact), rel: 0 }, loose: { abs: Number(loose), rel: 0 } };
}
