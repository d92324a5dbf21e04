/** Sizes of the map in CSS pixels. */
export interface MapLayout {
  /** Side of a cell. */
  readonly cell: number;
  /** Width of the labels of clients, and height of the numbers of rounds. */
  readonly labelWidth: number;
  readonly headHeight: number;
  readonly rows: number;
  readonly columns: number;
}

/** The part of the map that is visible. */
export interface Viewport {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A cell, as a position in the order of rows and of rounds; on the labels only a row. */
export interface Cell {
  readonly row: number;
  readonly column: number | undefined;
}

/** Size of the whole map. */
export function mapSize({ cell, labelWidth, headHeight, rows, columns }: MapLayout) {
  return { width: labelWidth + columns * cell, height: headHeight + rows * cell };
}

/** Finds the cells that are at least partly visible; the ends are not included. */
export function visibleCells(
  { cell, labelWidth, headHeight, rows, columns }: MapLayout,
  { left, top, width, height }: Viewport,
) {
  const clip = (value: number, most: number) => Math.min(Math.max(0, value), most);
  return {
    firstRow: clip(Math.floor(top / cell), rows),
    endRow: clip(Math.ceil((top + height - headHeight) / cell), rows),
    firstColumn: clip(Math.floor(left / cell), columns),
    endColumn: clip(Math.ceil((left + width - labelWidth) / cell), columns),
  };
}

/** Finds the cell under a point of the viewport. Returns undefined outside. */
export function cellAt(
  { cell, labelWidth, headHeight, rows, columns }: MapLayout,
  { left, top }: Pick<Viewport, "left" | "top">,
  x: number,
  y: number,
): Cell | undefined {
  if (y < headHeight) return undefined;
  const row = Math.floor((y - headHeight + top) / cell);
  if (row < 0 || row >= rows) return undefined;
  if (x < labelWidth) return { row, column: undefined };
  const column = Math.floor((x - labelWidth + left) / cell);
  return column < columns ? { row, column } : undefined;
}

/** Finds how to scroll so that a cell is visible. */
export function scrollTo(
  layout: MapLayout,
  { left, top, width, height }: Viewport,
  row: number,
  column: number,
): { readonly left: number; readonly top: number } {
  const { cell, labelWidth, headHeight } = layout;
  const along = (place: number, size: number, from: number, room: number) => {
    if (place < from) return place;
    return place + size > from + room ? place + size - room : from;
  };
  return {
    left: along(column * cell, cell, left, width - labelWidth),
    top: along(row * cell, cell, top, height - headHeight),
  };
}

/** Space between the numbers of rounds, in columns: a number takes about 28 pixels. */
export function roundStep(cell: number): number {
  for (const step of [1, 2, 5, 10, 20, 50, 100, 200, 500]) if (step * cell >= 28) return step;
  return 1000;
}
