import { UserError, type TaskPlugin } from "@fedclair/core";
import {
  formatCount,
  noteOthers,
  pickFiles,
  withoutChecks,
  type ChosenData,
} from "../data/chosen-files.js";
import { shorten } from "./describe-rows.js";
import { createTask, readTableRows, table } from "./index.js";
import type { TableOptions } from "./options.js";

/**
 * Makes the task train on a table that the user of a browser tab has chosen. The tab is one client,
 * which holds all rows, whatever its index. The trial says what the columns mean.
 * @param chosen undefined if nothing was chosen
 */
export function withChosenTable(chosen: ChosenData | undefined): TaskPlugin {
  return {
    ...table,
    ...withoutChecks,
    create: async (options: TableOptions) => {
      const { source } = options;
      const { columns } = source;
      if (!chosen) {
        throw new UserError(
          `this trial trains on tables: choose a CSV file with the columns ${describeColumns(columns)}, and join again`,
        );
      }
      if (source.file === undefined || columns.client !== undefined) {
        const found = source.file === undefined ? "a folder" : `columns.client = ${columns.client}`;
        throw new UserError(
          `a tab trains on a file of its own if the trial has source: { file } without columns.client, and this one has ${found}: join without the file, or change the trial`,
        );
      }
      if (columns.label !== undefined && !source.classes) {
        throw new UserError(
          "a tab trains on a table of its own if the trial names the classes, as source: { …, classes: [yes, no] }, and this one does not: join without it, or change the trial",
        );
      }
      const picked = pickFiles(chosen.files, ["table"]);
      const [file] = picked.files;
      if (!file) throw new Error("no table was picked");
      // Loaded here, because few tabs read a table.
      const { readChosenTable } = await import("../data/csv-text.js");
      const read = await readChosenTable(file);
      // The coordinator has pre-trained the base on rows of its own.
      const own: TableOptions = { ...options, partition: { by: "iid" }, baseRows: 0 };
      const rows = await readTableRows(own, read);
      rows.clients.members.checkClients?.(1);
      chosen.onRead({
        name: file.path,
        facts: [
          ["rows", formatCount(rows.count)],
          ["columns", `${read.columns.length} (${shorten(read.columns)})`],
        ],
        ...(rows.classes.length > 0 && { classes: countClasses(rows.classes, rows.labels) }),
        notes: noteOthers(picked),
      });
      const task = createTask(own, rows);
      return {
        start: (context) => task.start(context),
        openShard: (shard) => task.openShard({ ...shard, index: 0, count: 1 }),
      };
    },
  };
}

function countClasses(classes: readonly string[], labels: Int32Array) {
  return classes.map((name, k) => ({ name, count: labels.filter((one) => one === k).length }));
}

function describeColumns({ inputs, label, outputs = [] }: TableOptions["source"]["columns"]) {
  const predicted = label ?? [outputs].flat().join(", ");
  if (!inputs) return `${predicted} (to predict), and others with the inputs`;
  return `${inputs.join(", ")} (inputs) and ${predicted} (to predict)`;
}
