import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { workspace } from "./paths.js";

/** A command in the documentation. */
export interface DocumentedCommand {
  /** Path of the document from the workspace's root. */
  readonly document: string;
  readonly words: readonly string[];
}

/**
 * Lists the documents at the root and under `docs`, and the page of each method, by their path from
 * the workspace's root.
 */
export function listDocuments(): string[] {
  const inDocs = readdirSync(join(workspace, "docs"), { recursive: true, encoding: "utf8" });
  const methods = readdirSync(join(workspace, "libs/methods"));
  const names = [
    ...readdirSync(workspace),
    ...inDocs.map((name) => join("docs", name)),
    ...methods.map((name) => join("libs/methods", name, "README.md")),
  ];
  return names.filter((name) => name.endsWith(".md"));
}

/** Lists the commands in the `sh` blocks of the documents. */
export function listDocumentedCommands(): DocumentedCommand[] {
  return listDocuments().flatMap((document) => {
    const text = readFileSync(join(workspace, document), "utf8");
    return parseCommands(text).map((words) => ({ document, words }));
  });
}

/** @returns the words of each command in the `sh` blocks of a Markdown text */
export function parseCommands(markdown: string): string[][] {
  const blocks = [...markdown.matchAll(/^ *```(?:sh|bash|shell)\n([^]*?)^ *```$/gm)];
  return blocks
    .flatMap(([, block = ""]) => block.replaceAll("\\\n", " ").split(/\n|&&|;/))
    .map((line) => line.replace(/(^|\s)#.*$/, "").replace(/^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*/, ""))
    .map((line) => (line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []).map(unquote))
    .filter((words) => words.length > 0);
}

function unquote(word: string): string {
  return word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2");
}

/** Lists commands in the documents on Python that start with some words, without these words. */
export function listPythonCommands(...begin: readonly string[]): string[][] {
  return listDocumentedCommands()
    .filter(({ document }) => ["docs/python-clients.md", "docs/python.md"].includes(document))
    .map(({ words }) => [...words])
    .filter((words) => begin.every((word, i) => words[i] === word))
    .map((words) => words.slice(begin.length));
}
