import { runAggregate } from "./aggregate-kind.js";
import { runClair } from "./clair-kind.js";
import { runConvex } from "./convex-kind.js";
import type { CaseFormat } from "./formats.js";
import { fieldsOf, isFields, listOf, type Fields } from "./json.js";
import { runCompress, runLora } from "./lora-kind.js";
import { Report, type Outcome } from "./report.js";

type KindHandler = (testCase: Fields, report: Report) => void | Promise<void>;

/** Kinds of cases, by the name in the file. */
const kinds: ReadonlyMap<string, KindHandler> = new Map<string, KindHandler>([
  ["clair", runClair],
  ["clairCentered", runClair],
  ["lora", runLora],
  ["compress", runCompress],
  ["aggregate", runAggregate],
  ["convex", runConvex],
]);

/** `{ "format": 1, "cases": [{ "name", "kind", …, "expect", "tol" }] }`: CLAIR and what it is compared with. */
export const clairFormat: CaseFormat = {
  method: "clair",
  recognises: (file) =>
    isFields(file) &&
    Array.isArray(file.cases) &&
    file.cases.length > 0 &&
    file.cases.every((c) => isFields(c) && typeof c.kind === "string" && isFields(c.expect)),
  run: async (file) => {
    const outcomes: Outcome[] = [];
    for (const testCase of listOf(fieldsOf(file, "file").cases, "cases")) {
      outcomes.push(await runCase(fieldsOf(testCase, "case")));
    }
    return outcomes;
  },
};

async function runCase(testCase: Fields): Promise<Outcome> {
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
    // One broken case must not hide what the others say.
    report.fail("error", error instanceof Error ? error.message : String(error));
  }
  return { name, mismatches: report.mismatches };
}
