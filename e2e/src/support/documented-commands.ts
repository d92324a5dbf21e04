import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { workspace } from "./paths.js";

/** A command that the documentation tells people to type. */
export interface DocumentedCommand {
  /** The document, from the workspace's root. */
  readonly document: string;
  readonly words: readonly string[];
}

/** The documents at the root and under `docs`, from the workspace's root. */
export function documents(): string[] {
  const inDocs = readdirSync(join(workspace, "docs"), { recursive: true, encoding: "utf8" });
  const names = [...readdirSync(workspace), ...inDocs.map((name) => join("docs", name))];
  return names.filter((name) => name.endsWith(".md"));
}

/** The commands in the `sh` blocks of the documents. */
export function documentedCommands(): DocumentedCommand[] {
  return documents().flatMap((document) => {
    const text = readFileSync(join(workspace, document), "utf8");
    return commandsOf(text).map((words) => ({ document, words }));
  });
}

/** @returns the words of each command in the `sh` blocks of a Markdown text */
export function commandsOf(markdown: string): string[][] {
  const blocks = [...markdown.matchAll(/^ *```(?:sh|bash|shell)\n([^]*?)^ *```$/gm)];
  return blocks
    .flatMap(([, block = ""]) => block.replaceAll("\\\n", " ").split(/\n|&&|;/))
    .map((line) => line.replace(/(^|\s)#.*$/, "").replace(/^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*/, ""))
    .map((line) => (line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []).map(unquoted))
    .filter((words) => words.length > 0);
}

function unquoted(word: string): string {
  return word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2");
}

/** The commands of the documents on Python that begin so, each without the first words. */
export function pythonCommands(...begin: readonly string[]): string[][] {
  return documentedCommands()
    .filter(({ document }) => ["docs/python-clients.md", "docs/server-step.md"].includes(document))
    .map(({ words }) => [...words])
    .filter((words) => begin.every((word, i) => words[i] === word))
    .map((words) => words.slice(begin.length));
}
