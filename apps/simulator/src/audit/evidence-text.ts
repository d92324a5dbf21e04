import type { Evidence } from "@fedclair/core";
import { median } from "@fedclair/linalg";
import type { Finding } from "./findings.js";

/** Heads of the columns that `evidenceCells` fills. */
export const evidenceHeads = ["agreement", "size", "clique"];

/** A p-value below it is worth a word. */
const telling = 0.05;

/** Agreement, size in medians of the benign, and clique, as cells of a row; dashes for an adapter that was not compared. */
export function evidenceCells(finding: Finding, all: readonly Finding[]): string[] {
  const own = (kind: Evidence["kind"]) => statisticOf(finding, kind);
  const [agreement, size, clique] = [own("apart"), own("size"), own("clique")];
  const sizes = all
    .filter(({ status }) => status === "benign")
    .flatMap((benign) => statisticOf(benign, "size") ?? []);
  const usual = sizes.length > 0 ? median(sizes) : undefined;
  return [
    agreement === undefined ? "–" : agreement.toFixed(3),
    size === undefined || usual === undefined ? "–" : `${(size / usual).toPrecision(2)}×`,
    clique === undefined ? "–" : clique.toFixed(3),
  ];
}

const words: Readonly<Record<string, string>> = {
  outside: "outside the shared space",
  apart: "apart from the others",
  size: "large",
  clique: "in a clique",
};

/** The pieces that tell against an adapter, for people; empty if none does. */
export function evidenceAgainst({ evidence = [] }: Finding): string {
  return evidence
    .filter(({ pValue }) => pValue !== undefined && pValue < telling)
    .map(({ kind, pValue }) => `${words[kind] ?? kind} (p ${chance(pValue ?? 1)})`)
    .join(", ");
}

function chance(p: number): string {
  return p < 1e-4 ? "< 0.0001" : p.toPrecision(2);
}

function statisticOf({ evidence = [] }: Finding, kind: string): number | undefined {
  return evidence.find((piece) => piece.kind === kind)?.statistic;
}
