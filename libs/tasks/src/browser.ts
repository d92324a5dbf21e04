/*
 * The tasks that a browser tab can train: `@fedclair/tasks/browser`. Nothing that it imports needs
 * Node.js, if the bundler follows the condition `browser` of package.json.
 */
import { UserError, type TaskPlugin } from "@fedclair/core";
import { isTable, type ChosenData, type ChosenFile } from "./data/chosen-files.js";

export type { ChosenData, ChosenFile, ReadData } from "./data/chosen-files.js";

/** Loaders by name. They get what the user of the tab has chosen, if anything. */
const loaders: Readonly<Record<string, (chosen?: ChosenData) => Promise<TaskPlugin>>> = {
  digits: async (chosen) => (await import("./digits/chosen-digits.js")).withChosenDigits(chosen),
  "linear-regression": async (chosen) =>
    withoutChosen((await import("./linear-regression/index.js")).linearRegression, chosen),
  table: async (chosen) => (await import("./table/chosen-table.js")).withChosenTable(chosen),
  "text-copy": async (chosen) =>
    (await import("./text-copy/chosen-texts.js")).withChosenTexts(chosen),
};

/** Rejects files for a task that simulates its data. */
function withoutChosen(task: TaskPlugin, chosen: ChosenData | undefined): TaskPlugin {
  if (!chosen) return task;
  return {
    ...task,
    create: () => {
      throw new UserError(
        `a tab trains on a file of its own if the task reads data, and ${task.name} simulates them: join without the file`,
      );
    },
  };
}

/** Reads the first rows of a chosen table; resolves to undefined if none was chosen. */
export async function previewTable(files: readonly ChosenFile[]) {
  const file = files.find(isTable);
  return file && (await (await import("./data/csv-text.js")).previewTable(file));
}

/** Names of the tasks that a browser tab can train. */
export const tabTaskNames: readonly string[] = Object.keys(loaders);

/**
 * Loads a task by its name. Returns undefined if a browser tab cannot train it.
 * @param chosen files that take the place of the trial's data. `create` of the task throws a
 * UserError if it cannot train on them
 */
export async function loadTabTask(
  name: string,
  chosen?: ChosenData,
): Promise<TaskPlugin | undefined> {
  return await (Object.hasOwn(loaders, name) ? loaders[name]?.(chosen) : undefined);
}
