import { listCells, type Grid, type GridTrial } from "@fedclair/runs";
import type { OpenedSweep } from "../results/open-sweep.js";
import {
  integerColumns,
  numberColumns,
  textColumns,
  type ExportColumn,
  type ExportTable,
} from "./tables.js";

/** The columns that tell the runs of a sweep apart: run folder, seed, and each dimension. */
export function placeColumns({ dimensions }: Pick<Grid, "dimensions">): ExportColumn[] {
  const paths = dimensions.map(({ path }) => path).filter((path) => path !== "seed");
  return [...textColumns("run"), ...integerColumns("seed"), ...textColumns(...paths)];
}

/** The values of a trial in these columns. */
export function placeOf({ folder, seed, at }: GridTrial): ReadonlyMap<string, string | number> {
  return new Map<string, string | number>([
    ["run", folder],
    ["seed", seed],
    ...[...at].filter(([path]) => path !== "seed"),
  ]);
}

/**
 * Creates two tables of a sweep: `measures` has a row per run and measure, and `means` a row per
 * cell of the sweep's tables, with its intervals.
 */
export function createSweepTables({
  grid,
  summaries,
  results,
}: OpenedSweep): readonly ExportTable[] {
  return [
    {
      name: "measures",
      columns: [
        ...placeColumns(grid),
        ...textColumns("measure"),
        ...numberColumns(["value"]),
        ...integerColumns("n"),
      ],
      rows: function* () {
        for (const trial of grid.trials) {
          for (const { name, value, n } of summaries.get(trial.id)?.details ?? [])
            yield [...placeOf(trial).values(), name, value, n];
        }
      },
    },
    {
      name: "means",
      columns: [
        // Named like the dimensions, as in the other tables.
        ...textColumns(
          "measure",
          "facet",
          grid.rows?.path ?? "row",
          grid.columns?.path ?? "column",
        ),
        ...numberColumns(["mean", "low", "high", "min", "max"]),
        ...integerColumns("seeds", "hits", "of"),
        ...numberColumns(["shareLow", "shareHigh"]),
      ],
      rows: () => listCells(results.tables),
    },
  ];
}
