import { UserError, type TaskPlugin } from "@fedclair/core";
import { formatCount, noteOthers, pickFiles, type ChosenData } from "../data/chosen-files.js";
import { createOwn, linearRegression } from "./index.js";
import type { LinearRegressionOptions } from "./options.js";

/**
 * Makes the task train on a table that the user of a browser tab has chosen. The tab is one client,
 * which holds all rows, whatever its index. The trial says what the columns mean.
 * @param chosen undefined if nothing was chosen
 */
export function withChosenRows(chosen: ChosenData | undefined): TaskPlugin {
  return {
    ...linearRegression,
    create: async (options: LinearRegressionOptions) => {
      const { source } = options;
      if (!chosen) {
        if (!source) return await linearRegression.create(options as never);
        throw new UserError(
          `this trial trains on tables: choose a CSV file with the columns ${describeColumns(source.columns)}, and join again`,
        );
      }
      if (source?.file === undefined || source.columns.client !== undefined) {
        throw new UserError(
          `a tab trains on a file of its own if the trial has source: { file } without columns.client, and this one has ${describeSource(source)}: join without the file, or change the trial`,
        );
      }
      const picked = pickFiles(chosen.files, ["table"]);
      const [file] = picked.files;
      if (!file) throw new Error("no table was picked");
      // Loaded here, because few tabs read a table.
      const { readChosenTable } = await import("../data/csv-text.js");
      const table = await readChosenTable(file);
      const partition = { by: "iid" } as const;
      const { task, rows } = await createOwn({ ...options, partition }, table, source.columns);
      task.checkClients?.(1);
      chosen.onRead({
        name: file.path,
        facts: [
          ["rows", formatCount(rows)],
          ["columns", `${table.columns.length} (${formatNames(table.columns)})`],
        ],
        notes: noteOthers(picked),
      });
      return {
        start: (context) => task.start(context),
        openShard: (shard) => task.openShard({ ...shard, index: 0, count: 1 }),
      };
    },
  };
}

function describeColumns({
  inputs,
  outputs,
}: NonNullable<LinearRegressionOptions["source"]>["columns"]): string {
  const predicted = [outputs].flat().join(", ");
  if (!inputs) return `${predicted} (to predict), and others with the inputs`;
  return `${inputs.join(", ")} (inputs) and ${predicted} (to predict)`;
}

/** Lists names; of many, the first ones and how many there are. */
function formatNames(names: readonly string[]): string {
  if (names.length <= 6) return names.join(", ");
  return `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`;
}

function describeSource(source: LinearRegressionOptions["source"]): string {
  if (!source) return "no source, because it simulates its data";
  if (source.file === undefined) return "a folder";
  return `columns.client = ${source.columns.client ?? ""}, which says whose each row is`;
}
