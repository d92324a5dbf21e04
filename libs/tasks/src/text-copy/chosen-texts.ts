import { UserError, type Task, type TaskPlugin } from "@fedclair/core";
import {
  formatCount,
  nameOf,
  noteOthers,
  pickFiles,
  readContent,
  withoutChecks,
  type ChosenData,
  type FilesOfKind,
} from "../data/chosen-files.js";
import { dealtTexts } from "./dealt-texts.js";
import { createTextCopy, isNatural, textCopy, type TextCopyOptions } from "./index.js";
import { textRows, type Document, type Library, type TextColumns } from "./library.js";
import { toTokens } from "./text.js";

/**
 * Makes the task train on texts that the user of a browser tab has chosen. The tab is one client,
 * which holds all of them, joined, whatever its index. The tokens are characters of an alphabet
 * that does not depend on the texts.
 * @param chosen undefined if nothing was chosen
 */
export function withChosenTexts(chosen: ChosenData | undefined): TaskPlugin {
  return {
    ...textCopy,
    ...withoutChecks,
    create: (options: TextCopyOptions) =>
      chosen ? createOwn(options, chosen) : createWithout(options),
  };
}

async function createOwn(options: TextCopyOptions, chosen: ChosenData): Promise<Task> {
  const { source } = options;
  if (source === "synthetic" || isNatural(options)) {
    const what =
      source === "synthetic"
        ? "source: synthetic, whose tokens are no letters"
        : "the texts of named clients, which reports show";
    throw new UserError(
      `a tab trains on texts of its own if the trial has real texts and partition: { by: iid }, and this one has ${what}: join without them, or change the trial`,
    );
  }
  const columns = source === "sotu" ? { text: "text", client: "client" } : source.columns;
  const picked = pickFiles(chosen.files, ["text", "table"]);
  const library = await openChosen(picked, columns);
  const documents = await library.read();
  const corpus = dealtTexts({ ...library, read: () => Promise.resolve(documents) }, { by: "iid" });
  const task = await createTextCopy(options, corpus);
  task.checkClients?.(1);
  const characters = documents.reduce((sum, { text }) => sum + toTokens(text).length, 0);
  chosen.onRead({
    name: nameOf(picked.files),
    facts: [
      ["texts", formatCount(documents.length)],
      ["usable characters", formatCount(characters)],
    ],
    notes: noteOthers(picked),
  });
  return { ...task, openShard: (shard) => task.openShard({ ...shard, index: 0, count: 1 }) };
}

async function openChosen({ kind, files }: FilesOfKind, columns: TextColumns): Promise<Library> {
  const [file] = files;
  if (kind === "table" && file) {
    // Loaded here, because few tabs read a table.
    const { readChosenTable } = await import("../data/csv-text.js");
    return textRows(await readChosenTable(file), columns);
  }
  const ordered = [...files].sort((a, b) => Number(a.path > b.path) - Number(a.path < b.path));
  return {
    title: `source: ${nameOf(files)}`,
    read: () =>
      Promise.all(
        ordered.map(async (one): Promise<Document> => ({
          label: one.path,
          text: await readContent(one, one.content.text()),
        })),
      ),
  };
}

async function createWithout(options: TextCopyOptions): Promise<Task> {
  const { source } = options;
  const isPublished = source === "synthetic" || source === "sotu";
  if (isPublished || isNatural(options)) return await textCopy.create(options as never);
  throw new UserError(
    `this trial trains on texts: choose .txt files, or a CSV file with the column ${source.columns.text}`,
  );
}
