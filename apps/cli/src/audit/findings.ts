import type { ClairResult } from "@fedclair/aggregators";
import type { Evidence, VerdictStatus } from "@fedclair/core";
import { median } from "@fedclair/linalg";

/** What an audit says of one adapter. */
export interface Finding {
  readonly name: string;
  readonly status: VerdictStatus;
  /**
   * In units of what convicts; with another rule than `evidence` the tangent of the angle to the shared space. Null of one that
   * was not scored (inactive, invalid).
   */
  readonly score: number | null;
  /** How far each module lies outside its space, in medians of the benign adapters; the farthest first. Empty where nobody is benign. */
  readonly modules: readonly { readonly module: string; readonly ratio: number }[];
  /** What the score rests on, with rule `evidence`. */
  readonly evidence?: readonly Evidence[];
  /** Why it is invalid or undecided, or which screen it failed. */
  readonly reason?: string;
}

/** Of an adapter that cannot be compared. */
export function invalid(name: string, reason: string): Finding {
  return { name, status: "invalid", score: null, modules: [], reason };
}

/** Tangents below it are rounding. */
const floor = 1e-6;

type Compared = Pick<
  ClairResult,
  "status" | "reasons" | "scores" | "evidence" | "benign" | "modules"
>;

/** @param tangents by module, by adapter */
export function findingsOf(
  { status, reasons, scores, evidence, benign, modules: { names } }: Compared,
  tangents: ReadonlyMap<string, ReadonlyMap<string, number>>,
): Finding[] {
  const usual = (module: string) =>
    median(benign.map(({ id }) => Math.max(tangents.get(id)?.get(module) ?? 0, floor)));
  const medians = new Map(benign.length > 0 ? names.map((module) => [module, usual(module)]) : []);
  return [...status].map(([name, said]) => {
    if (said === "invalid") {
      return invalid(name, "entries beyond 1e100, with which nothing can be compared");
    }
    const reason = reasons.get(name) ?? (said === "inactive" ? "changes nothing" : undefined);
    return {
      name,
      status: said,
      ...(reason !== undefined && { reason }),
      score: scores.get(name) ?? null,
      ...(evidence.has(name) && { evidence: evidence.get(name) ?? [] }),
      modules: [...(tangents.get(name) ?? [])]
        .flatMap(([module, tangent]) => {
          const middle = medians.get(module);
          return middle === undefined ? [] : [{ module, ratio: Math.max(tangent, floor) / middle }];
        })
        .sort((x, y) => y.ratio - x.ratio),
    };
  });
}
