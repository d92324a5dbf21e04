import type { Metrics } from "@fedclair/core";
import type { Matrix } from "@fedclair/linalg";
import type { Yardstick } from "./measure.js";

/** A point, rounded for drawing. */
export type Dot = readonly [number, number];

/** What the figures are drawn from: as small as they allow, since every measured round of every arm leaves one. */
export interface TransportArtifact {
  /** States of a path, from source to target. */
  readonly paths: readonly (readonly Dot[])[];
  readonly generated: readonly Dot[];
  readonly targets: readonly Dot[];
  readonly w2: number;
  readonly w2Floor: number;
}

/** By mode asked for, points that a conditional network generates. */
export interface ClassesArtifact {
  readonly plain: readonly (readonly Dot[])[];
  readonly guided: readonly (readonly Dot[])[];
}

const drawnPaths = 80;
const drawnPoints = 400;
const drawnOfClass = 60;

export function transportArtifact(
  { paths, metrics }: { readonly paths: readonly Matrix[]; readonly metrics: Metrics },
  { targets }: Yardstick,
): TransportArtifact {
  const states = paths.map((state) => dotsOf(state, drawnPoints));
  const ends = states.at(-1) ?? [];
  return {
    paths: ends
      .slice(0, drawnPaths)
      .map((_, i) => states.flatMap((state) => (state[i] ? [state[i]] : []))),
    generated: ends,
    targets: dotsOf(targets, drawnPoints),
    w2: metrics.w2 ?? NaN,
    w2Floor: metrics.w2Floor ?? NaN,
  };
}

export function classesArtifact(
  plain: readonly Matrix[],
  guided: readonly Matrix[],
): ClassesArtifact {
  const dots = (ends: readonly Matrix[]) => ends.map((points) => dotsOf(points, drawnOfClass));
  return { plain: dots(plain), guided: dots(guided) };
}

function dotsOf(points: Matrix, most: number): Dot[] {
  const rounded = (x: number) => Math.round(1000 * x) / 1000;
  return Array.from({ length: Math.min(most, points.rows) }, (_, i) => [
    rounded(points.get(i, 0)),
    rounded(points.get(i, 1)),
  ]);
}
