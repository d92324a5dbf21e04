import type { VerdictStatus } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import type { Audit } from "../audit-schema.js";
import { formatPValue, varyingSuffix } from "@fedclair/aggregators";
import { pieceOf, usualSize } from "../evidence-text.js";
import type { Finding } from "../findings.js";

/** A piece of evidence of all adapters, as a panel shows it. */
export interface PiecePanel {
  readonly title: string;
  readonly isLog: boolean;
  /** The side that tells against an adapter. */
  readonly bad: "low" | "high";
  readonly points: readonly PiecePoint[];
}

export interface PiecePoint {
  readonly status: VerdictStatus;
  readonly value: number;
  /** Name, value and p-value. */
  readonly about: string;
}

/** Tangents below it are rounding, and have no place on a logarithmic axis. */
const floor = 1e-6;

/**
 * The pieces that some adapter has: by another rule than evidence the score alone; those of what varies where they convicted somebody.
 */
export function piecePanels({ adapters }: Pick<Audit, "adapters">): PiecePanel[] {
  const panels = ["", varyingSuffix].flatMap((of) => panelsOf(adapters, of));
  return panels.filter(({ points }) => points.length > 0);
}

/** @param of what the pieces are, behind their kinds */
function panelsOf(adapters: readonly Finding[], of: string): PiecePanel[] {
  const usual = usualSize(adapters, `size${of}`);
  const piece =
    (kind: string, unit = 1) =>
    (one: Finding) => {
      const own = pieceOf(one, `${kind}${of}`);
      return own && { ...own, statistic: own.statistic / unit };
    };
  return [
    {
      ...{ title: `agreement${of}: median cosine with the others`, isLog: false, bad: "low" },
      points: pointsOf(adapters, piece("apart"), `agreement${of}`),
    },
    {
      ...{ title: `size${of}, in medians of the benign`, isLog: true, bad: "high" },
      points: usual === undefined ? [] : pointsOf(adapters, piece("size", usual), `size${of}`),
    },
    {
      title: `clique${of}: mean cosine with the two nearest, minus the median`,
      ...{ isLog: false, bad: "high" },
      points: pointsOf(adapters, piece("clique"), `clique${of}`),
    },
    {
      ...{
        title: `outside the shared space${of}: tangent of the angle`,
        ...{ isLog: true, bad: "high" },
      },
      points: pointsOf(adapters, (one) => tangent(one, of), `outside${of}`),
    },
  ];
}

interface Told {
  readonly statistic: number;
  readonly pValue?: number;
}

/** By another rule than evidence it is the score. */
function tangent(one: Finding, of: string): Told | undefined {
  if (one.evidence !== undefined) {
    const own = pieceOf(one, `outside${of}`);
    return own && { ...own, statistic: Math.max(own.statistic, floor) };
  }
  return one.score === null || of !== "" ? undefined : { statistic: Math.max(one.score, floor) };
}

function pointsOf(
  adapters: readonly Finding[],
  told: (one: Finding) => Told | undefined,
  what: string,
): PiecePoint[] {
  const points = adapters.flatMap((one): PiecePoint[] => {
    const own = told(one);
    if (own === undefined) return [];
    const { statistic: value, pValue } = own;
    const chance = pValue === undefined ? "" : `, ${formatPValue(pValue)}`;
    const about = `${oneLine(one.name)}: ${what} ${value.toPrecision(3)}${chance}`;
    return [{ status: one.status, value, about }];
  });
  return points.sort((x, y) => x.value - y.value);
}
