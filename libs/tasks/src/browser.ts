/*
 * The tasks that a browser tab can train: `@fedclair/tasks/browser`. Nothing that it imports needs
 * Node.js, if the bundler follows the condition `browser` of package.json.
 */
import { UserError, type TaskPlugin } from "@fedclair/core";
import type { ChosenFile, ChosenTable } from "./data/csv-text.js";

export type { ChosenTable };

/** Loaders by name. They get the table that the user of the tab has chosen, if there is one. */
const loaders: Readonly<Record<string, (table?: ChosenTable) => Promise<TaskPlugin>>> = {
  async digits(table) {
    refuse(table, "digits", "classes are numbered over the tables of all clients");
    return (await import("./digits/index.js")).digits;
  },
  "linear-regression": async (table) =>
    (await import("./linear-regression/chosen-rows.js")).withChosenRows(table),
  async "text-copy"(table) {
    refuse(table, "text-copy", "a table of texts names all clients");
    return (await import("./text-copy/index.js")).textCopy;
  },
};

/** Names of the tasks that a browser tab can train. */
export const tabTaskNames: readonly string[] = Object.keys(loaders);

/**
 * Loads a task by its name. Returns undefined if a browser tab cannot train it.
 * @param table a table that takes the place of the trial's data
 * @throws UserError if the task does not accept one
 */
export async function loadTabTask(
  name: string,
  table?: ChosenTable,
): Promise<TaskPlugin | undefined> {
  return await (Object.hasOwn(loaders, name) ? loaders[name]?.(table) : undefined);
}

/**
 * Reads a CSV or TSV file that the user of a tab has chosen.
 * @throws UserError with the line if the file is not as expected
 */
export async function readChosenTable(file: ChosenFile): Promise<ChosenTable> {
  return await (await import("./data/csv-text.js")).readChosenTable(file);
}

function refuse(table: ChosenTable | undefined, task: string, why: string): void {
  if (!table) return;
  throw new UserError(
    `a tab cannot train ${task} on a file of its own, because ${why}: join without the file`,
  );
}
