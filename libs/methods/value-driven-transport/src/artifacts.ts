import type { Metrics } from "@fedclair/core";
import { item, sum, type Matrix } from "@fedclair/linalg";
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
  /**
   * The two coordinates of the dots, from 1, if points have more or fewer than two: those with the
   * largest variance.
   */
  readonly coordinates?: readonly [number, number];
}

/** Points that a conditional network generates, one list per requested mode or class. */
export interface ClassesArtifact {
  /** Names of the modes or classes; runs of earlier versions lack them. */
  readonly names?: readonly string[];
  readonly plain: readonly (readonly Dot[])[];
  readonly guided: readonly (readonly Dot[])[];
  /** As those of `TransportArtifact`. */
  readonly coordinates?: readonly [number, number];
}

const maximumPaths = 80;
const maximumPoints = 400;
const maximumClassPoints = 60;

export function createTransportArtifact(
  { paths, metrics }: { readonly paths: readonly Matrix[]; readonly metrics: Metrics },
  { targets }: Yardstick,
): TransportArtifact {
  const axes = chooseAxes(targets);
  const states = paths.map((state) => toDots(state, maximumPoints, axes));
  const ends = states.at(-1) ?? [];
  return {
    paths: ends
      .slice(0, maximumPaths)
      .map((_, i) => states.flatMap((state) => (state[i] ? [state[i]] : []))),
    generated: ends,
    targets: toDots(targets, maximumPoints, axes),
    w2: metrics.w2 ?? NaN,
    w2Floor: metrics.w2Floor ?? NaN,
    ...nameAxes(targets, axes),
  };
}

export function createClassesArtifact(
  plain: readonly Matrix[],
  guided: readonly Matrix[],
  names: readonly string[],
  targets: Matrix,
): ClassesArtifact {
  const axes = chooseAxes(targets);
  const dots = (ends: readonly Matrix[]) =>
    ends.map((points) => toDots(points, maximumClassPoints, axes));
  return { names, plain: dots(plain), guided: dots(guided), ...nameAxes(targets, axes) };
}

type Axes = readonly [number, number];

/** Chooses the two coordinates with the largest variance, or the only one twice. */
function chooseAxes(points: Matrix): Axes {
  if (points.cols === 2) return [0, 1];
  const variances = Array.from({ length: points.cols }, (_, c) => {
    const column = points.column(c);
    const mean = sum(column) / points.rows;
    return sum(column.map((x) => (x - mean) ** 2));
  });
  const order = [...variances.keys()].sort((a, b) => item(variances, b) - item(variances, a));
  return [order[0] ?? 0, order[1] ?? 0];
}

/** Numbers the chosen coordinates from 1, if points are not in the plane. */
function nameAxes({ cols }: Matrix, [x, y]: Axes): { readonly coordinates?: Axes } {
  return cols === 2 ? {} : { coordinates: [x + 1, y + 1] };
}

function toDots(points: Matrix, most: number, [x, y]: Axes = [0, 1]): Dot[] {
  const round = (value: number) => Math.round(1000 * value) / 1000;
  return Array.from({ length: Math.min(most, points.rows) }, (_, i) => [
    round(points.get(i, x)),
    round(points.get(i, y)),
  ]);
}
