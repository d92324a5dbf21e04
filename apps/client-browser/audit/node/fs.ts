/*
 * The modules `node:fs` and `node:fs/promises` of the page that audits: a tree of the files that
 * the visitor has chosen. They are read in pieces, when they are needed, in a worker, where a
 * browser reads files synchronously.
 */

/** The entries of each folder by name; undefined stands for a folder. */
const folders = new Map<string, Map<string, File | undefined>>([["", new Map()]]);
const open = new Map<number, File>();
let lastDescriptor = 2;
declare const FileReaderSync: new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer };

/** Puts a file into the tree. @param path such as `/pile/one/adapter_config.json` */
export function mount(path: string, file: File): void {
  const [, ...parts] = path.split("/");
  let folder = "";
  for (const [depth, name] of parts.entries()) {
    const isFile = depth === parts.length - 1;
    folders.get(folder)?.set(name, isFile ? file : undefined);
    folder += `/${name}`;
    if (!isFile && !folders.has(folder)) folders.set(folder, new Map());
  }
}

function find(path: string): File | undefined {
  const at = path.lastIndexOf("/");
  const entries = folders.get(path.slice(0, at));
  if (path !== "/" && entries?.has(path.slice(at + 1)) !== true) {
    throw Object.assign(new Error(`no such file: ${path}`), { code: "ENOENT" });
  }
  return entries?.get(path.slice(at + 1));
}

function fileAt(path: string): File {
  const file = find(path);
  if (file) return file;
  throw Object.assign(new Error(`a folder: ${path}`), { code: "EISDIR" });
}

function describe(file: File | undefined) {
  return {
    size: file?.size ?? 0,
    mtimeMs: file?.lastModified ?? 0,
    mtime: new Date(file?.lastModified ?? 0),
    isFile: () => file !== undefined,
    isDirectory: () => file === undefined,
    isSymbolicLink: () => false,
    isFIFO: () => false,
  };
}

export const constants = {};

export function statSync(path: string, { throwIfNoEntry = true } = {}) {
  try {
    return describe(find(path));
  } catch (error) {
    if (throwIfNoEntry) throw error;
    return undefined;
  }
}

export function openSync(path: string): number {
  open.set(++lastDescriptor, fileAt(path));
  return lastDescriptor;
}

export function fstatSync(descriptor: number) {
  return describe(open.get(descriptor));
}

export function closeSync(descriptor: number): void {
  open.delete(descriptor);
}

/** Reads bytes of a file into a buffer. @returns how many there were */
export function readSync(
  descriptor: number,
  into: Uint8Array,
  offset: number,
  length: number,
  from: number,
): number {
  const piece = open.get(descriptor)?.slice(from, from + length) ?? new Blob();
  const bytes = new Uint8Array(new FileReaderSync().readAsArrayBuffer(piece));
  into.set(bytes, offset);
  return bytes.length;
}

/** The size of the pieces in which a file is hashed. */
const pieceBytes = 1 << 22;

export function createReadStream(_path: string, { fd, end }: { fd: number; end: number }) {
  const file = open.get(fd);
  const stream = {
    bytesRead: 0,
    async *[Symbol.asyncIterator]() {
      for (let from = 0; file && from <= end && from < file.size; from += pieceBytes) {
        const piece = await file.slice(from, Math.min(from + pieceBytes, end + 1)).arrayBuffer();
        stream.bytesRead += piece.byteLength;
        yield new Uint8Array(piece);
      }
      closeSync(fd);
    },
  };
  return stream;
}

export async function readdir(path: string, { encoding }: { encoding?: "buffer" } = {}) {
  const entries = folders.get(path === "/" ? "" : path);
  if (!entries) throw Object.assign(new Error(`no such folder: ${path}`), { code: "ENOENT" });
  return await Promise.resolve(
    [...entries].map(([name, file]) => ({
      ...describe(file),
      name: encoding === "buffer" ? Buffer.from(name) : name,
    })),
  );
}

export async function stat(path: string) {
  return await Promise.resolve(describe(find(path)));
}
