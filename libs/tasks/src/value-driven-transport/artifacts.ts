import type { Metrics } from "@fedclair/core";
import type { Matrix } from "@fedclair/linalg";
import type { Yardstick } from "./measure.js";

/** A point, rounded for drawing. */
export type Dot = readonly [number, number];

/**
 * Data for the figures. They are as small as the figures allow, because every measured round of
 * every arm stores them.
 */
export interface TransportArtifact {
  /** Paths, each a list of states from source to target. */
  readonly paths: readonly (readonly Dot[])[];
  readonly generated: readonly Dot[];
  readonly targets: readonly Dot[];
  readonly w2: number;
  readonly w2Floor: number;
}

/** Points that a conditional network generates, one list per requested mode. */
export interface ClassesArtifact {
  readonly plain: readonly (readonly Dot[])[];
  readonly guided: readonly (readonly Dot[])[];
}

const maximumPaths = 80;
const maximumPoints = 400;
const maximumClassPoints = 60;

export function createTransportArtifact(
  { paths, metrics }: { readonly paths: readonly Matrix[]; readonly metrics: Metrics },
  { targets }: Yardstick,
): TransportArtifact {
  const states = paths.map((state) => toDots(state, maximumPoints));
  const ends = states.at(-1) ?? [];
  return {
    paths: ends
      .slice(0, maximumPaths)
      .map((_, i) => states.flatMap((state) => (state[i] ? [state[i]] : []))),
    generated: ends,
    targets: toDots(targets, maximumPoints),
    w2: metrics.w2 ?? NaN,
    w2Floor: metrics.w2Floor ?? NaN,
  };
}

export function createClassesArtifact(
  plain: readonly Matrix[],
  guided: readonly Matrix[],
): ClassesArtifact {
  const dots = (ends: readonly Matrix[]) =>
    ends.map((points) => toDots(points, maximumClassPoints));
  return { plain: dots(plain), guided: dots(guided) };
}

function toDots(points: Matrix, most: number): Dot[] {
  const round = (x: number) => Math.round(1000 * x) / 1000;
  return Array.from({ length: Math.min(most, points.rows) }, (_, i) => [
    round(points.get(i, 0)),
    round(points.get(i, 1)),
  ]);
}
