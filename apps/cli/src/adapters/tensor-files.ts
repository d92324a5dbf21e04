import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { UserError, type Tensor } from "@fedclair/core";
import {
  decodeHeader,
  decodeTensor,
  headerEnd,
  type Allocate,
  prefixBytes,
  type StoredTensor,
} from "@fedclair/core/internal";
import { z } from "zod";

export const modelFile = "adapter_model.safetensors";
const shardsFile = `${modelFile}.index.json`;

/** A tensor of an adapter that was not read yet: piles of adapters can be larger than memory. */
export interface FiledTensor extends StoredTensor {
  readonly file: string;
}

/** All tensors of an adapter by name, of one file, or of the shards that an index names. */
export async function tensorsIn(folder: string): Promise<ReadonlyMap<string, FiledTensor>> {
  const shards = await shardsOf(join(folder, shardsFile));
  const found = new Map<string, FiledTensor>();
  for (const name of shards ?? [modelFile]) {
    const file = join(folder, name);
    for (const stored of headerOf(file)) found.set(stored.name, { ...stored, file });
  }
  return found;
}

/** @param allocate gives the memory that the numbers will lie in */
export function readTensor(tensor: FiledTensor, allocate?: Allocate): Tensor {
  return within(tensor.file, (read) =>
    decodeTensor(tensor, read(tensor.begin, tensor.end), allocate),
  );
}

function headerOf(file: string): readonly StoredTensor[] {
  return within(file, (read, descriptor) => {
    const { size } = fstatSync(descriptor);
    const end = headerEnd(read(0, Math.min(prefixBytes, size)), size);
    return decodeHeader(read(0, end), size).tensors;
  });
}

/** Used again by every read: fresh memory takes as long as reading it. */
let room = Buffer.alloc(0);

/** @param use gets a function that reads bytes `from` … `to` - 1, which are there until it reads again */
function within<T>(
  file: string,
  use: (read: (from: number, to: number) => Uint8Array, descriptor: number) => T,
): T {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch {
    throw new UserError(
      `cannot read '${file}'; adapters saved as .bin must be saved anew as safetensors: ` +
        "load them with PEFT where you trust them, and call save_pretrained",
    );
  }
  try {
    return use((from, to) => {
      const length = to - from;
      if (room.length < length) room = Buffer.allocUnsafeSlow(length);
      const got = readSync(descriptor, room, 0, length, from);
      if (got === length) return room.subarray(0, length);
      throw new UserError(`ends at byte ${from + got}: it became shorter while it was read`);
    }, descriptor);
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${file}: ${error.message}`);
    throw new UserError(`cannot read '${file}': ${error instanceof Error ? error.message : ""}`);
  } finally {
    closeSync(descriptor);
  }
}

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/** The files of an adapter in several, or undefined if there is no index of them. */
async function shardsOf(index: string): Promise<readonly string[] | undefined> {
  const text = await readFile(index, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new UserError(`${index}: expected JSON`);
  }
  const { data, error } = indexSchema.safeParse(content);
  if (error) throw new UserError(`${index}: expected a weight_map of file names`);
  const files = [...new Set(Object.values(data.weight_map))].sort();
  const outside = files.find((file) => basename(file) !== file);
  if (outside === undefined) return files;
  throw new UserError(`${index}: '${outside}': expected the name of a file beside it`);
}
