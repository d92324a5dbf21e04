import type { Chosen } from "./worker.js";

/** The page lists no more files; the folder of a home directory may have millions. */
const mostFiles = 100_000;

/** Lists the files of an input for folders. @throws Error if there are too many */
export function listChosen(files: FileList | null): readonly Chosen[] {
  if ((files?.length ?? 0) > mostFiles) throw tooMany();
  return [...(files ?? [])].map((file): Chosen => [file.webkitRelativePath, file]);
}

/** Lists the files in the folders that were dropped. @throws Error if there are too many */
export async function listDropped(items: DataTransferItemList): Promise<readonly Chosen[]> {
  const found: Chosen[] = [];
  // The list is empty after the first wait, so all entries are taken before.
  const entries = [...items].map((item) => item.webkitGetAsEntry());
  for (const entry of entries) if (entry) await collect(entry, found);
  return found;
}

async function collect(entry: FileSystemEntry, found: Chosen[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      (entry as FileSystemFileEntry).file(resolve, reject);
    });
    if (found.push([entry.fullPath.slice(1), file]) > mostFiles) throw tooMany();
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const read = () =>
    new Promise<readonly FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
  // A reader returns its entries in parts.
  for (let part = await read(); part.length > 0; part = await read())
    for (const one of part) await collect(one, found);
}

function tooMany(): Error {
  return new Error(
    `expected at most ${mostFiles} files: choose the folder that holds the adapters`,
  );
}
