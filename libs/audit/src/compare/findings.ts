import type { ClairResult } from "@fedclair/clair";
import { median } from "@fedclair/linalg";
import type { AdapterFinding } from "../audit-schema.js";

/** Creates the finding for an adapter that cannot be compared. */
export function createInvalidFinding(name: string, reason: string): AdapterFinding {
  return { name, status: "invalid", score: null, modules: [], reason };
}

/** Smaller tangents are rounding errors. */
const floor = 1e-6;

type Compared = Pick<ClairResult, "status" | "verdicts" | "judge" | "pooled" | "modules">;

/** Creates the findings of all adapters. @param tangents by adapter, then by module */
export function createFindings(
  { status, verdicts, judge, pooled, modules: { names } }: Compared,
  tangents: ReadonlyMap<string, ReadonlyMap<string, number>>,
): AdapterFinding[] {
  const usual = (module: string) =>
    median(pooled.map(({ id }) => Math.max(tangents.get(id)?.get(module) ?? 0, floor)));
  const medians = new Map(pooled.length > 0 ? names.map((module) => [module, usual(module)]) : []);
  return [...status].map(([name, found]) => {
    if (found === "invalid") {
      return createInvalidFinding(name, "entries above 1e100, which cannot be compared");
    }
    const verdict = verdicts.get(name);
    const reason = verdict?.reason ?? (found === "inactive" ? "changes nothing" : undefined);
    return {
      name,
      status: found,
      ...(reason !== undefined && { reason }),
      score: verdict?.score ?? null,
      ...(judge.by === "evidence" && found === "benign" && { clearedOf: judge.controls.cleared }),
      ...(verdict && verdict.evidence.length > 0 && { evidence: verdict.evidence }),
      modules: [...(tangents.get(name) ?? [])]
        .flatMap(([module, tangent]) => {
          const middle = medians.get(module);
          return middle === undefined ? [] : [{ module, ratio: Math.max(tangent, floor) / middle }];
        })
        .sort((x, y) => y.ratio - x.ratio),
    };
  });
}
