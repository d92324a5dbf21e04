import type { Evidence } from "@fedclair/core";
import { median } from "@fedclair/linalg";
import type { Finding } from "./findings.js";

/** Heads of the columns that `evidenceCells` fills. */
export const evidenceHeads = ["agreement", "size", "clique"];

/** Agreement, size in medians of the benign, and clique, as cells of a row; dashes for an adapter that was not compared. */
export function evidenceCells(finding: Finding, all: readonly Finding[]): string[] {
  const own = (kind: string) => pieceOf(finding, kind)?.statistic;
  const [agreement, size, clique] = [own("apart"), own("size"), own("clique")];
  const usual = usualSize(all);
  return [
    agreement === undefined ? "–" : agreement.toFixed(3),
    size === undefined || usual === undefined ? "–" : `${(size / usual).toPrecision(2)}×`,
    clique === undefined ? "–" : clique.toFixed(3),
  ];
}

/** The median size of the benign adapters; undefined where none was compared. @param kind of the piece that tells it */
export function usualSize(all: readonly Finding[], kind = "size"): number | undefined {
  const sizes = all
    .filter(({ status }) => status === "benign")
    .flatMap((benign) => pieceOf(benign, kind)?.statistic ?? []);
  return sizes.length > 0 ? median(sizes) : undefined;
}

export function pieceOf({ evidence = [] }: Finding, kind: string): Evidence | undefined {
  return evidence.find((piece) => piece.kind === kind);
}
