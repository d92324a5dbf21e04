import { z } from "zod";

/*
 * The option `source` of tasks that read the user's own tables. All of them take the same words:
 *
 *     source: { file: scores.csv, columns: { score: points, client: school } }
 *     source: { folder: schools, columns: { score: points } }
 */

/** Names the column that assigns rows to clients; a key of `columns` in every task. */
export const clientColumn = z
  .string()
  .optional()
  .describe("Column that names the client to whom a row belongs; in a folder, files do");

/** A table, or a folder of tables, as a trial file names it. */
export interface TableSource {
  readonly file?: string | undefined;
  readonly folder?: string | undefined;
}

/**
 * Creates the schema of a table as a source.
 * @param columns the schema of a mapping from the task's names of columns to those of the table
 * @param others the schemas of what else the task wants to know about it
 */
export function tableSource<C extends z.ZodType, O extends z.ZodRawShape = Record<never, never>>(
  columns: C,
  others?: O,
) {
  return z
    .strictObject({
      file: z
        .string()
        .optional()
        .describe(
          "A table: .csv, .tsv, .jsonl, .parquet, .arrow, .feather, .npy or IDX (-ubyte); text and arrays also as .gz",
        ),
      folder: z
        .string()
        .optional()
        .describe("A folder with one such table per client, or of PNG images"),
      columns,
      ...(others as O),
    })
    .superRefine((source, context) => {
      const { file, folder } = source as TableSource;
      if ((file === undefined) !== (folder === undefined)) return;
      const message = "expected either file or folder, as { file: data.csv }";
      // The branch of a union has failed, so that its other issues are not reported as if meant.
      context.addIssue({ code: "custom", message, continue: false });
    });
}

/**
 * Creates the option `source` of a task that cannot read data, so that the error says why and where
 * to go.
 * @param why a full sentence
 */
export function noOwnData(why: string) {
  const text = `${why} For your own data, choose another task (docs/own-data.md) or write one (docs/own-experiment.md)`;
  return z.never({ error: text }).optional().describe(`Not available. ${text}`);
}

/** The paths of `source`, for `TaskPlugin.paths`. */
export const sourcePaths = ["source.file", "source.folder"] as const;
