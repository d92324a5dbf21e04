import type { CaseFormat } from "./formats.js";
import { asFields, isFields, asList, type Fields } from "./json.js";
import { Report, type Outcome } from "./report.js";

/** Runs one case and reports every value that differs from the expected one. */
export type KindHandler = (testCase: Fields, report: Report) => void | Promise<void>;

/**
 * Creates the format `{ "format": 1, "cases": [{ "name", "kind", …, "expect", "tol" }] }`: a list
 * of cases of several kinds.
 * @param kinds the handlers, by the name of the kind in the file
 */
export function kindsFormat(method: string, kinds: ReadonlyMap<string, KindHandler>): CaseFormat {
  return {
    method,
    recognises: (file) =>
      isFields(file) &&
      Array.isArray(file.cases) &&
      file.cases.length > 0 &&
      file.cases.every(
        (c) => isFields(c) && typeof c.name === "string" && typeof c.kind === "string",
      ),
    run: async (file) => {
      const outcomes: Outcome[] = [];
      for (const testCase of asList(asFields(file, "file").cases, "cases")) {
        outcomes.push(await runCase(asFields(testCase, "case"), kinds));
      }
      return outcomes;
    },
  };
}

async function runCase(
  testCase: Fields,
  kinds: ReadonlyMap<string, KindHandler>,
): Promise<Outcome> {
  const name = typeof testCase.name === "string" ? testCase.name : "unnamed";
  const report = new Report();
  const kind = String(testCase.kind);
  const handler = kinds.get(kind);
  try {
    if (handler === undefined) {
      const method = typeof testCase.method === "string" ? ` (method ${testCase.method})` : "";
      report.fail("kind", `no function yet for kind ${kind}${method}`);
    } else {
      await handler(testCase, report);
    }
  } catch (error) {
    // One broken case must not hide the results of the others.
    report.fail("error", error instanceof Error ? error.message : String(error));
  }
  return { name, mismatches: report.mismatches };
}
