import { pieceMeanings, type PieceKind } from "@fedclair/clair";
import type { VerdictStatus } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import type { AdapterFinding, Audit } from "../audit-schema.js";
import { findPiece } from "../text/evidence-text.js";

/** One kind of evidence for all adapters, or the score, shown in one panel. */
export interface PiecePanel {
  readonly title: string;
  readonly isLog: boolean;
  /** Values up to these limits are usual, the darkest first; empty for single pieces. */
  readonly limits: readonly number[];
  readonly points: readonly PiecePoint[];
}

interface PiecePoint {
  readonly status: VerdictStatus;
  readonly value: number;
  /** The text for the dot: name and value. */
  readonly about: string;
}

/** Smaller tangents are rounding errors and do not fit on a logarithmic axis. */
const floor = 1e-6;

/**
 * Creates a panel for the score, and one for each kind of evidence that some adapter has. With
 * other rules than `evidence`, there is only the score.
 */
export function createPiecePanels({
  adapters,
  threshold,
  usualBelow,
}: Pick<Audit, "adapters" | "threshold" | "usualBelow">): PiecePanel[] {
  const isByEvidence = adapters.some(({ evidence }) => evidence !== undefined);
  const score: PiecePanel = {
    title: isByEvidence
      ? "score: the length of the vector of the pieces below"
      : "score: tangent of the angle to the shared space",
    isLog: !isByEvidence,
    limits: isByEvidence ? [usualBelow, threshold].flatMap((limit) => limit ?? []) : [],
    points: createPoints(adapters, "score", (one) =>
      one.score === null ? undefined : isByEvidence ? one.score : Math.max(one.score, floor),
    ),
  };
  const kinds = Object.keys(pieceMeanings) as PieceKind[];
  const pieces = kinds.map((kind): PiecePanel => {
    const of = (one: AdapterFinding) => findPiece(one, kind)?.deviations;
    return {
      title: `${kind}: ${pieceMeanings[kind]} (deviations)`,
      isLog: false,
      limits: [],
      points: createPoints(adapters, kind, of),
    };
  });
  return [score, ...pieces].filter(({ points }) => points.length > 0);
}

function createPoints(
  adapters: readonly AdapterFinding[],
  what: string,
  read: (one: AdapterFinding) => number | undefined,
): PiecePoint[] {
  const points = adapters.flatMap((one): PiecePoint[] => {
    const value = read(one);
    if (value === undefined) return [];
    const about = `${oneLine(one.name)}: ${what} ${value.toPrecision(3)}`;
    return [{ status: one.status, value, about }];
  });
  return points.sort((x, y) => x.value - y.value);
}
