import type { TableSource } from "../data/own-data.js";
import type { TableFile } from "../data/table-file.js";
import { readTable, texts } from "../data/table.js";

/** One client's text. */
export interface Document {
  /** Name for display: a president or a file. */
  readonly label: string;
  readonly text: string;
}

/**
 * A collection of texts. It knows how many clients it serves before anything is fetched or read.
 */
export interface Library {
  /** Name of the collection in messages. */
  readonly title: string;
  /**
   * Returns the number of clients that it serves; absent if that is known only after reading it.
   * @throws UserError if it has no texts
   */
  readonly count?: () => number;
  /** Returns a notice, as `TaskPlugin.notice` does. */
  readonly notice?: (clients: number) => string | undefined;
  /** Reads the documents in the clients' order. */
  readonly read: () => Promise<readonly Document[]>;
}

/** What the columns of a table with texts are. */
export interface TextColumns {
  readonly text: string;
  readonly client: string;
}

/** Creates a library of the texts in a table, one document per row. */
export function textRows(source: TableSource | TableFile, { text }: TextColumns): Library {
  return {
    title: "read" in source ? source.path : `the table ${source.file ?? ""}`,
    async read() {
      const { table } = await readTable(source, { text: texts(text) });
      return table.texts("text").map((one, row) => ({ label: `row ${row + 1}`, text: one }));
    },
  };
}

/** Creates a library of the texts in a table, one document per client, in the order of names. */
export function textTable(source: TableSource, { text, client }: TextColumns): Library {
  return {
    title: `the table ${source.file ?? ""}`,
    async read() {
      const { table, clients } = await readTable(source, { text: texts(text) }, client);
      const { names = [], owners = [] } = clients ?? {};
      const all = names.map((label) => ({ label, texts: [] as string[] }));
      table.texts("text").forEach((one, row) => all[owners[row] ?? -1]?.texts.push(one));
      return all.map(({ label, texts }) => ({ label, text: texts.join(" ") }));
    },
  };
}
