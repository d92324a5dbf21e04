import type { VerdictInRound } from "../../src/data/rounds.js";
import type { Palette } from "../parts/theme.js";

/** A mark in a cell: a path in a square of 16 by 16. */
export interface Shape {
  readonly path: string;
  readonly colour: "ink" | "muted" | "onFlagged";
  readonly isFilled?: boolean;
}

const bar: Shape = { path: "M4 8H12", colour: "muted" };

/** The marks of verdicts, so that a cell does not depend on its colour alone. */
export const verdictShapes: Readonly<Partial<Record<VerdictInRound, Shape>>> = {
  contaminated: { path: "M8 4L12 11L4 11Z", colour: "onFlagged", isFilled: true },
  invalid: { path: "M4 4L12 12M12 4L4 12", colour: "onFlagged" },
  undecided: { path: "M12 8A4 4 0 1 1 4 8A4 4 0 1 1 12 8", colour: "onFlagged" },
  failed: bar,
  inactive: bar,
};

/** Marks a client that is contaminated in truth. */
export const truthShape: Shape = { path: "M0 0H5.5L0 5.5Z", colour: "ink", isFilled: true };

const paths = new Map<Shape, Path2D>();

/** Draws a mark into a cell. */
export function drawShape(
  context: CanvasRenderingContext2D,
  shape: Shape,
  [x, y, size]: readonly [x: number, y: number, size: number],
  palette: Palette,
): void {
  const path = paths.get(shape) ?? new Path2D(shape.path);
  paths.set(shape, path);
  context.save();
  context.translate(x, y);
  context.scale(size / 16, size / 16);
  context.lineWidth = Math.max(16 / size, 1.5);
  context.fillStyle = context.strokeStyle = palette[shape.colour];
  if (shape.isFilled) context.fill(path);
  else context.stroke(path);
  context.restore();
}
