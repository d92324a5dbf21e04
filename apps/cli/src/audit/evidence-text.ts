import type { Evidence } from "@fedclair/core";
import { median } from "@fedclair/linalg";
import type { Finding } from "./findings.js";

/** Headings of the columns that `evidenceCells` fills. */
export const evidenceHeads = ["agreement", "size", "clique"];

/**
 * Formats agreement, size (as a multiple of the benign median) and clique as cells of a row, with
 * dashes for an adapter that was not compared.
 */
export function formatEvidenceCells(finding: Finding, all: readonly Finding[]): string[] {
  const own = (kind: string) => findPiece(finding, kind)?.statistic;
  const [agreement, size, clique] = [own("apart"), own("size"), own("clique")];
  const usual = medianBenignSize(all);
  return [
    agreement === undefined ? "–" : agreement.toFixed(3),
    size === undefined || usual === undefined ? "–" : `${(size / usual).toPrecision(2)}×`,
    clique === undefined ? "–" : clique.toFixed(3),
  ];
}

/**
 * The median size of the benign adapters; undefined if none was compared.
 * @param kind of the piece with the size
 */
export function medianBenignSize(all: readonly Finding[], kind = "size"): number | undefined {
  const sizes = all
    .filter(({ status }) => status === "benign")
    .flatMap((benign) => findPiece(benign, kind)?.statistic ?? []);
  return sizes.length > 0 ? median(sizes) : undefined;
}

export function findPiece({ evidence = [] }: Finding, kind: string): Evidence | undefined {
  return evidence.find((piece) => piece.kind === kind);
}
