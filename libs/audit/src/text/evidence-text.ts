import type { Evidence } from "@fedclair/core";
import { median } from "@fedclair/linalg";
import type { AdapterFinding } from "../audit-schema.js";

/** Headings of the columns that `formatEvidenceCells` fills. */
export const evidenceHeads = ["agreement", "size"];

/**
 * Formats agreement, and size as a multiple of the median, as cells of a row, with dashes for an
 * adapter that was not compared.
 */
export function formatEvidenceCells(
  finding: AdapterFinding,
  all: readonly AdapterFinding[],
): string[] {
  const own = (kind: string) => findPiece(finding, kind)?.statistic;
  const [agreement, size] = [own("agreement"), own("size")];
  const usual = medianSize(all);
  return [
    agreement === undefined ? "–" : agreement.toFixed(3),
    size === undefined || usual === undefined ? "–" : `${(size / usual).toPrecision(2)}×`,
  ];
}

/** The median size of the adapters that are not contaminated; undefined if none was compared. */
export function medianSize(all: readonly AdapterFinding[]): number | undefined {
  const sizes = all
    .filter(({ status }) => status === "benign" || status === "undecided")
    .flatMap((one) => findPiece(one, "size")?.statistic ?? []);
  return sizes.length > 0 ? median(sizes) : undefined;
}

export function findPiece({ evidence = [] }: AdapterFinding, kind: string): Evidence | undefined {
  return evidence.find((piece) => piece.kind === kind);
}
