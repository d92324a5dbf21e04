import { pieceMeanings, type PieceKind } from "@fedclair/clair";
import type { VerdictStatus } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import type { AdapterFinding, Audit } from "../audit-schema.js";
import { findPiece } from "../text/evidence-text.js";

/** One kind of evidence for all adapters, shown in one panel. */
export interface PiecePanel {
  readonly title: string;
  readonly points: readonly PiecePoint[];
}

interface PiecePoint {
  readonly status: VerdictStatus;
  readonly value: number;
  /** The text for the dot: name and value. */
  readonly about: string;
}

/** One panel for each kind of evidence that some adapter has; only rule `evidence` has any. */
export function createPiecePanels({ adapters }: Pick<Audit, "adapters">): PiecePanel[] {
  const kinds = Object.keys(pieceMeanings) as PieceKind[];
  const panels = kinds.map((kind): PiecePanel => {
    const of = (one: AdapterFinding) => findPiece(one, kind)?.deviations;
    return {
      title: `${kind}: ${pieceMeanings[kind]} (deviations)`,
      points: createPoints(adapters, kind, of),
    };
  });
  return panels.filter(({ points }) => points.length > 0);
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
