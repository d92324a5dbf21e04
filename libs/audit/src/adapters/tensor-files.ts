import { closeSync, fstatSync, readSync, statSync } from "node:fs";
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
import { sum } from "@fedclair/linalg";
import { openRegularFile, readText, UnreadableError } from "@fedclair/runs";
import { z } from "zod";

export const modelFile = "adapter_model.safetensors";
const shardsFile = `${modelFile}.index.json`;

/**
 * Maximum size of the headers of an adapter's files together, and of its index of shards. LoRA on
 * every expert of DeepSeek-V3 has 89,716 tensors and a header of 13.4 MB. Parsing a header takes up
 * to thirty times as much memory.
 */
const maxHeaderBytes = 16_000_000;

/**
 * Maximum size of the files with an adapter's tensors together. LoRA of rank 16 on every expert of
 * DeepSeek-V3 has 26 GB in float32, and hashing 32 GB takes about 20 s.
 */
const maxTensorBytes = 32e9;

/** The begin of a file that Git LFS keeps elsewhere. */
const pointerText = "version https://git-lfs.github.com/spec/";

/** A tensor in a file, not read yet because a set of adapters can be larger than memory. */
export interface TensorInFile extends StoredTensor {
  readonly file: string;
}

/** Lists all tensors of an adapter by name, from one file or from the shards in an index. */
export function listTensors(folder: string): ReadonlyMap<string, TensorInFile> {
  const found = new Map<string, TensorInFile>();
  let bytesLeft = maxHeaderBytes;
  for (const file of listTensorFiles(folder)) {
    const { tensors, bytes } = readHeader(file, bytesLeft);
    bytesLeft -= bytes;
    for (const stored of tensors) found.set(stored.name, { ...stored, file });
  }
  return found;
}

/**
 * Lists the files that have an adapter's tensors: one, or the shards in its index.
 * @throws UserError if they are too large together
 */
export function listTensorFiles(folder: string): readonly string[] {
  const shards = readShardNames(join(folder, shardsFile));
  const files = (shards ?? [modelFile]).map((name) => join(folder, name));
  const bytes = sum(files.map(readSize));
  if (bytes <= maxTensorBytes) return files;
  throw new UserError(
    `${folder}: expected at most ${maxTensorBytes} bytes of tensors, got ${bytes}: leave this ` +
      "adapter out, or save it with fewer tensors or a smaller number type",
  );
}

/** Returns 0 for a file that cannot be read, which is reported when it is opened. */
function readSize(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

/** Reads a tensor's numbers. @param allocate provides memory for the numbers */
export function readTensor(tensor: TensorInFile, allocate?: Allocate): Tensor {
  return withFile(tensor.file, (read) =>
    decodeTensor(tensor, read(tensor.begin, tensor.end), allocate),
  );
}

function readHeader(
  file: string,
  maxBytes: number,
): { readonly tensors: readonly StoredTensor[]; readonly bytes: number } {
  return withFile(file, (read, descriptor) => {
    const { size } = fstatSync(descriptor);
    const begin = Buffer.from(read(0, Math.min(pointerText.length, size))).toString("latin1");
    if (begin === pointerText) {
      throw new UserError("expected tensors, got a pointer of Git LFS: run git lfs pull");
    }
    const end = headerEnd(read(0, Math.min(prefixBytes, size)), size, maxBytes);
    return { tensors: decodeHeader(read(0, end), size).tensors, bytes: end - prefixBytes };
  });
}

/** Reused by every read, because allocating memory takes as long as reading the file. */
let readBuffer = Buffer.alloc(0);

/**
 * Opens a file, calls `use` and closes the file.
 * @param use receives a function that reads bytes `from` … `to` - 1; the result is valid until the
 * next read
 */
function withFile<T>(
  file: string,
  use: (read: (from: number, to: number) => Uint8Array, descriptor: number) => T,
): T {
  let descriptor: number;
  try {
    descriptor = openRegularFile(file);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    throw new UserError(
      `cannot read '${file}'; adapters saved as .bin must be saved again as safetensors: ` +
        "load them with PEFT if you trust them, and call save_pretrained",
    );
  }
  try {
    return use((from, to) => {
      const length = to - from;
      if (readBuffer.length < length) readBuffer = Buffer.allocUnsafeSlow(length);
      const got = readSync(descriptor, readBuffer, 0, length, from);
      if (got === length) return readBuffer.subarray(0, length);
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

/** Lists the files of a sharded adapter; undefined if it has no index. */
function readShardNames(index: string): readonly string[] | undefined {
  let text: string;
  try {
    text = readText(index, maxHeaderBytes);
  } catch (error) {
    if (error instanceof UnreadableError && error.code === "ENOENT") return undefined;
    throw error;
  }
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
