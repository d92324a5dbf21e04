import { oneLine } from "@fedclair/core/text";
import type { ChosenFile } from "@fedclair/plugins/browser";

/** The most files that a page lists. A person who drops more has taken the wrong folder. */
const mostFiles = 100_000;

/**
 * Lists the files of an input for files or for a folder.
 * @throws Error if there are too many
 */
export async function listSelected(files: FileList | null): Promise<readonly ChosenFile[]> {
  if ((files?.length ?? 0) > mostFiles) throw tooManyFiles();
  return await Promise.resolve(
    Array.from(files ?? [], (content) => ({
      path: content.webkitRelativePath || content.name,
      content,
    })),
  );
}

function tooManyFiles(): Error {
  return new Error(`expected at most ${mostFiles} files: choose a folder with fewer`);
}

/**
 * Lists the files that were dropped, and those in dropped folders. It must be called before the
 * event ends.
 * @throws Error if there are too many, or if a folder cannot be read
 */
export async function listDropped({ items }: DataTransfer): Promise<readonly ChosenFile[]> {
  const found: ChosenFile[] = [];
  const add = (path: string, content: File) => {
    if (found.length === mostFiles) throw tooManyFiles();
    found.push({ path, content });
  };
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    const path = entry.fullPath.replace(/^\//, "");
    if (entry.isFile) {
      add(
        path,
        await new Promise<File>((resolve, reject) => {
          (entry as FileSystemFileEntry).file(resolve, reject);
        }),
      );
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    const readSome = () =>
      new Promise<FileSystemEntry[]>((resolve, reject) => {
        reader.readEntries(resolve, reject);
      });
    // A reader returns a hundred entries at a time, and none at the end.
    for (let some = await readSome(); some.length > 0; some = await readSome()) {
      for (const one of some) await walk(one);
    }
  };
  const roots = [...items].map((item) => ({
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile(),
  }));
  for (const { entry, file } of roots) {
    if (entry) await walk(entry);
    else if (file) add(file.name, file);
  }
  return found;
}

/** Lists the chosen folders. @throws Error if there are only files, like an archive */
export function listRoots(files: readonly Pick<ChosenFile, "path">[]): string[] {
  const roots = new Set(
    files.filter(({ path }) => path.includes("/")).map(({ path }) => path.replace(/\/.*/, "")),
  );
  if (roots.size > 0) return [...roots];
  throw new Error(
    `'${files[0]?.path ?? ""}' is not in a folder: choose the folder of the adapters, and unpack an archive first`,
  );
}

/** Names chosen files: by the folder that all are in, by the only path, or by their number. */
export function nameFiles(files: readonly ChosenFile[]): string {
  const [first = "", ...others] = files.map(({ path }) => oneLine(path));
  if (others.length === 0) return first;
  const number = `${files.length.toLocaleString("en-GB")} files`;
  const [folder = ""] = first.split("/");
  return others.every((path) => path.startsWith(`${folder}/`)) ? `${folder} (${number})` : number;
}

/** Counts the images in each folder, sorted by name. */
export function countImages(files: readonly ChosenFile[]) {
  const counts = new Map<string, number>();
  for (const { path } of files) {
    const [name = "", folder] = path.split("/").reverse();
    if (folder === undefined || !/^[^.].*\.png$/i.test(name)) continue;
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .map(([name, count]) => ({ name: oneLine(name), count }))
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}
