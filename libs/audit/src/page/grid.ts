/** A number for every row and column, drawn as coloured cells. */
export interface CellGrid {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** Undefined if the cell is not drawn. */
  readonly valueOf: (row: number, column: number) => number | undefined;
  /**
   * Rounds a value to its shade. In large grids, neighbours with the same shade become one mark.
   */
  readonly shadeOf: (value: number) => number;
  /** The text that is shown for the cell under the pointer. */
  readonly aboutCell: (row: number, column: number, value: number) => string;
  /** The rows above which a line separates groups. */
  readonly partings: readonly number[];
  /** True if columns are separated like rows. */
  readonly isSquare: boolean;
}

/** Up to this many cells, each cell is a separate mark with its number. */
const mostCells = 2500;

/**
 * Visible on light cells also in dark mode, therefore not the text colour that changes with the
 * mode.
 */
const parting = "#333333";

interface Cell {
  readonly row: number;
  readonly from: number;
  readonly to: number;
  readonly value: number;
  readonly about?: string;
}

/** Creates the marks of a grid, row by row. */
function createCells({ rows, columns, valueOf, shadeOf, aboutCell }: CellGrid): Cell[] {
  const isSmall = rows.length * columns.length <= mostCells;
  return rows.flatMap((_, row) => {
    const cells: Cell[] = [];
    columns.forEach((_name, column) => {
      const exact = valueOf(row, column);
      if (exact === undefined) return;
      const value = shadeOf(exact);
      const last = cells.at(-1);
      if (isSmall) {
        cells.push({
          row,
          from: column,
          to: column + 1,
          value,
          about: aboutCell(row, column, exact),
        });
      } else if (last?.value === value && last.to === column) {
        cells[cells.length - 1] = { ...last, to: column + 1 };
      } else cells.push({ row, from: column, to: column + 1, value });
    });
    return cells;
  });
}

/** Creates the layers of a grid, without axis labels. @param colour a Vega-Lite encoding */
export function createGridLayers(grid: CellGrid, x: object, y: object, colour: object): object[] {
  const lines = (encoding: object) => ({
    data: { values: grid.partings.map((at) => ({ at })) },
    mark: { type: "rule", color: parting, strokeWidth: 0.8 },
    encoding,
  });
  return [
    {
      data: { values: createCells(grid) },
      transform: [{ calculate: "datum.row + 1", as: "below" }],
      mark: { type: "rect", aria: true },
      encoding: {
        x: { ...x, field: "from" },
        x2: { field: "to" },
        y: { ...y, field: "row" },
        y2: { field: "below" },
        color: { field: "value", type: "quantitative", ...colour },
        description: { field: "about" },
      },
    },
    lines({ y: { ...y, field: "at" } }),
    ...(grid.isSquare ? [lines({ x: { ...x, field: "at" } })] : []),
  ];
}

/**
 * Creates an axis on which each cell is one unit, with a label in its middle.
 * @param labels the parameter of the figure that holds the labels
 */
export function createCellAxis(
  count: number,
  labels: string,
  axis: object,
  isDown = false,
): object {
  return {
    type: "quantitative",
    title: null,
    scale: { domain: [0, count], nice: false, zero: false, ...(isDown && { reverse: true }) },
    axis: {
      values: Array.from({ length: count }, (_, i) => i + 0.5),
      labelExpr: `${labels}[floor(datum.value)]`,
      grid: false,
      domain: false,
      ticks: false,
      labelOverlap: true,
      ...axis,
    },
  };
}
