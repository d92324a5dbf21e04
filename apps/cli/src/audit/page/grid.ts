/** A number for every row and column, to be drawn as coloured cells. */
export interface Grid {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** Undefined where there is nothing to draw. */
  readonly valueOf: (row: number, column: number) => number | undefined;
  /** To the shade that is drawn: neighbours of one shade become one mark where there are many cells. */
  readonly shadeOf: (value: number) => number;
  /** What is shown when a cell is pointed at. */
  readonly aboutCell: (row: number, column: number, value: number) => string;
  /** Before which rows a line parts groups. */
  readonly partings: readonly number[];
  /** Are columns parted as rows are? */
  readonly isSquare: boolean;
}

/** Up to so many cells each is a mark of its own, that tells its number. */
const mostCells = 2500;

/** Seen on light cells, also where the page is dark: so it is not the ink that pages swap. */
const parting = "#333333";

interface Cell {
  readonly row: number;
  readonly from: number;
  readonly to: number;
  readonly value: number;
  readonly about?: string;
}

/** The marks of a grid, row by row. */
export function cellsOf({ rows, columns, valueOf, shadeOf, aboutCell }: Grid): Cell[] {
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

/** The layers of a grid, without its axes' labels. @param colour of Vega-Lite */
export function gridLayers(grid: Grid, x: object, y: object, colour: object): object[] {
  const lines = (encoding: object) => ({
    data: { values: grid.partings.map((at) => ({ at })) },
    mark: { type: "rule", color: parting, strokeWidth: 0.8 },
    encoding,
  });
  return [
    {
      data: { values: cellsOf(grid) },
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

/** An axis on which each of so many cells is one unit, with a label in its middle. @param labels a parameter of the figure that holds them */
export function cellAxis(count: number, labels: string, axis: object, isDown = false): object {
  return {
    type: "quantitative",
    title: null,
    scale: { domain: [0, count], nice: false, zero: false, ...(isDown && { reverse: true }) },
    axis: {
      values: Array.from({ length: count }, (_, i) => i + 0.5),
      labelExpr: `${labels}[floor(datum.value)]`,
      ...{ grid: false, domain: false, ticks: false, labelOverlap: true },
      ...axis,
    },
  };
}
