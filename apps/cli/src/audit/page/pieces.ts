import type { VerdictStatus } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import type { Audit } from "../audit-schema.js";
import { formatPValue, varyingSuffix } from "@fedclair/aggregators";
import { findPiece, medianBenignSize } from "../evidence-text.js";
import type { Finding } from "../findings.js";

/** One kind of evidence for all adapters, shown in one panel. */
export interface PiecePanel {
  readonly title: string;
  readonly isLog: boolean;
  /** The side of the axis that counts against an adapter. */
  readonly bad: "low" | "high";
  readonly points: readonly PiecePoint[];
}

export interface PiecePoint {
  readonly status: VerdictStatus;
  readonly value: number;
  /** The text for the dot: name, value and p-value. */
  readonly about: string;
}

/** Smaller tangents are rounding errors and do not fit on a logarithmic axis. */
const floor = 1e-6;

/**
 * Creates a panel for each kind of evidence that some adapter has. With other rules than
 * `evidence`, this is only the score. Evidence about what varies is present only if it flagged an
 * adapter.
 */
export function createPiecePanels({ adapters }: Pick<Audit, "adapters">): PiecePanel[] {
  const panels = ["", varyingSuffix].flatMap((of) => createPanels(adapters, of));
  return panels.filter(({ points }) => points.length > 0);
}

/** Creates the panels of one suffix. @param of empty or `varyingSuffix`, appended to the kinds */
function createPanels(adapters: readonly Finding[], of: string): PiecePanel[] {
  const usual = medianBenignSize(adapters, `size${of}`);
  const piece =
    (kind: string, unit = 1) =>
    (one: Finding) => {
      const own = findPiece(one, `${kind}${of}`);
      return own && { ...own, statistic: own.statistic / unit };
    };
  return [
    {
      title: `agreement${of}: median cosine with the others`,
      isLog: false,
      bad: "low",
      points: createPoints(adapters, piece("apart"), `agreement${of}`),
    },
    {
      title: `size${of}, as a multiple of the benign median`,
      isLog: true,
      bad: "high",
      points: usual === undefined ? [] : createPoints(adapters, piece("size", usual), `size${of}`),
    },
    {
      title: `clique${of}: mean cosine with the two nearest adapters, minus the median`,
      isLog: false,
      bad: "high",
      points: createPoints(adapters, piece("clique"), `clique${of}`),
    },
    {
      title: `outside the shared space${of}: tangent of the angle`,
      isLog: true,
      bad: "high",
      points: createPoints(adapters, (one) => findTangent(one, of), `outside${of}`),
    },
  ];
}

interface PieceValue {
  readonly statistic: number;
  readonly pValue?: number;
}

/** Finds the tangent to the shared space; with other rules than `evidence`, it is the score. */
function findTangent(one: Finding, of: string): PieceValue | undefined {
  if (one.evidence !== undefined) {
    const own = findPiece(one, `outside${of}`);
    return own && { ...own, statistic: Math.max(own.statistic, floor) };
  }
  return one.score === null || of !== "" ? undefined : { statistic: Math.max(one.score, floor) };
}

function createPoints(
  adapters: readonly Finding[],
  read: (one: Finding) => PieceValue | undefined,
  what: string,
): PiecePoint[] {
  const points = adapters.flatMap((one): PiecePoint[] => {
    const own = read(one);
    if (own === undefined) return [];
    const { statistic: value, pValue } = own;
    const chance = pValue === undefined ? "" : `, ${formatPValue(pValue)}`;
    const about = `${oneLine(one.name)}: ${what} ${value.toPrecision(3)}${chance}`;
    return [{ status: one.status, value, about }];
  });
  return points.sort((x, y) => x.value - y.value);
}
