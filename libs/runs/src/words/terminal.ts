import { pathToFileURL } from "node:url";

/** A terminal that lines are wrapped for. */
export interface Terminal {
  /** Columns. */
  readonly width: number;
  /** Wraps a text at spaces to a width. */
  readonly wrap: (text: string, width: number) => string;
}

/**
 * The terminal of stdout; undefined for a file or a pipe, which takes lines of any length. The
 * library that wraps is loaded here, because it takes 40 ms and most processes print no result.
 */
export async function openTerminal(): Promise<Terminal | undefined> {
  if (!process.stdout.isTTY) return undefined;
  const { default: wrap } = await import("wrap-ansi");
  // Some terminals do not know their width and say 0.
  return { width: process.stdout.columns || 80, wrap };
}

/** Wraps a message at spaces to the width of stderr, if that is a terminal. */
export function wrapMessage(text: string, { isTTY, columns }: NodeJS.WriteStream): string {
  if (!isTTY) return text;
  const width = columns || 80;
  // Each line that is longer than the terminal breaks at its last space that fits.
  return text.replace(new RegExp(`(?=.{${width + 1}})(.{1,${width}}) `, "g"), "$1\n");
}

/** Formats the path of a file. A terminal shows it as a link, which opens it after a click. */
export function linkFile(file: string): string {
  if (!process.stdout.isTTY) return file;
  const address = pathToFileURL(file).href;
  return `\u001b]8;;${address}\u001b\\${file}\u001b]8;;\u001b\\`;
}
