import { leastClients, minBenignClients, type ClairOptions } from "@fedclair/clair";
import type { VerdictStatus } from "@fedclair/core";
import { countNoun } from "@fedclair/runs";
import type { AdapterFinding, Audit } from "../audit-schema.js";

/** Formats the verdict as a sentence. */
export function formatVerdict(
  { adapters, detection, threshold, gap, usualBelow = 0, falseAlarmRate }: Audit,
  { rule }: Pick<ClairOptions, "rule">,
): string {
  const isScored = adapters.some(({ score }) => score !== null);
  if (adapters.every(({ status }) => status === "invalid")) {
    return "There is nothing to compare: all adapters are invalid.";
  }
  if (!isScored) return "There is nothing to compare: no adapter changes anything.";
  if (!detection) {
    const comparable = adapters.filter(({ score }) => score !== null).length;
    const least = `Too few adapters for a verdict: at least ${leastClients({ rule })} comparable adapters are needed.`;
    const leastOfGap = leastClients({ rule: { by: "gap" } });
    return rule.by === "evidence" && comparable >= leastOfGap
      ? `${least} Rule gap judges ${leastOfGap} or more (--set rule=gap), by one piece of evidence.`
      : least;
  }
  const contaminated = countStatus(adapters, "contaminated");
  const others = (["undecided", "invalid"] as const).flatMap((other) => {
    const count = countStatus(adapters, other);
    return count === 0 ? [] : [`, ${count} ${other}`];
  });
  const count = `${contaminated} of ${adapters.length} adapters ${contaminated === 1 ? "is" : "are"} contaminated${others.join("")}`;
  if (rule.by === "evidence" && threshold === null) return `${count}.`;
  if (rule.by === "evidence") {
    return (
      `${count}. Scores above ${(threshold ?? 0).toPrecision(3)} are flagged; one in ${Math.round(1 / (falseAlarmRate ?? rule.falseAlarmRate))} sets of honest adapters has one. ` +
      `Scores up to ${usualBelow.toPrecision(3)} do not stand out.`
    );
  }
  const ratio = gap.toPrecision(3);
  return threshold === null
    ? `${count}: neighbouring scores differ by a factor of at most ${ratio}, and a gap needs ${rule.minGap}.`
    : `${count}; the gap between the scores is a factor of ${ratio} (at least ${rule.minGap} counts as a gap).`;
}

/** Formats the warning that the majority may be contaminated. @param what as `adapter` */
export function formatMajority(distant: number, compared: number, what: string): string {
  return (
    `${distant} of ${compared} compared ${what}s stand out. The larger group determines what is benign: if more than half ` +
    `of the ${what}s are contaminated, the verdicts may be reversed.`
  );
}

/** Lists the adapters that were compared; copies of one another count once. */
export function listCompared({
  adapters,
  identical,
  nearCopies,
}: Pick<Audit, "adapters" | "identical" | "nearCopies">): readonly AdapterFinding[] {
  const copies = new Set([...identical, ...nearCopies].flatMap(([, ...others]) => others));
  return adapters.filter(({ name, score }) => score !== null && !copies.has(name));
}

/**
 * Says that no adapter can be called benign, because too few can be compared.
 * @returns undefined if there are enough, or another rule than `evidence` judged
 */
export function formatTooFew(
  audit: Audit,
  { rule }: Pick<ClairOptions, "rule">,
): string | undefined {
  const compared = listCompared(audit).length;
  if (rule.by !== "evidence" || compared >= minBenignClients) return undefined;
  return (
    `only ${countNoun(compared, "adapter")} can be compared, and at least ${minBenignClients} are needed before one is called benign: ` +
    "add others that were trained from the same base, for example with --siblings 20"
  );
}

export function countStatus(adapters: readonly AdapterFinding[], wanted: VerdictStatus): number {
  return adapters.filter(({ status }) => status === wanted).length;
}
