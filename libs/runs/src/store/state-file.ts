import { createHash } from "node:crypto";
import { closeSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { Deserializer, Serializer } from "node:v8";
import {
  countNumbers,
  dtypeOf,
  readNumbers,
  UserError,
  type Dense,
  type Stored,
} from "@fedclair/core";
import { errorMessage } from "@fedclair/core/internal";
import { hashContent } from "./hash-content.js";
import { joinPieces, writeWhole } from "./atomic-files.js";
import { openRegularFile } from "./regular-file.js";
import { loadStored } from "./load-stored.js";

/*
 * A value on disk in the format of `v8.serialize`, but with the contents of typed arrays stored
 * behind it. They are written and read piece by piece, without a second copy of all of them in
 * memory, and may be longer than the longest buffer. The file contains `fedclair state 3\n`, the
 * size of the value in bytes (8, little-endian), the value, the arrays in order of appearance, and
 * the SHA-256 of everything before it.
 */
const magic = Buffer.from("fedclair state 3\n");
const digestBytes = 32;

/**
 * Writes a value atomically.
 * @param value anything that survives `v8.serialize`: JSON values, typed arrays, and maps and
 *   arrays of these; it includes the state of plug-ins
 * @throws UserError for anything else
 */
export async function writeState(path: string, value: unknown): Promise<void> {
  const elsewhere = new Map<ArrayBufferView, Stored>();
  const writer = new ArrayWriter(elsewhere);
  writer.writeHeader();
  try {
    writer.writeValue(loadStored(value, standIn));
  } catch (error) {
    throw new UserError(
      `a state cannot be stored: ${errorMessage(error)}: expected JSON values, typed arrays, maps and arrays of these, in what a task, an aggregator or an attack hands back as its state`,
    );
  }
  const text = writer.releaseBuffer();
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await writeWhole(path, withDigest(joinPieces(pieces())));

  /** An empty array that stands in for numbers, which are read when they are written. */
  function standIn(tensor: Stored): Dense {
    const data = dtypeOf(tensor) === "f32" ? new Float32Array() : new Float64Array();
    elsewhere.set(data, tensor);
    return { shape: tensor.shape, data };
  }

  function* pieces(): Generator<Uint8Array> {
    yield* [magic, length, text];
    for (const array of writer.arrays) {
      const stored = elsewhere.get(array);
      yield toBytes(stored ? readNumbers(stored) : array);
    }
  }
}

function* withDigest(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  const hash = createHash("sha256");
  for (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
  yield hash.digest();
}

/**
 * Reads a value that `writeState` wrote.
 * @throws UserError if the file is not such a value, is truncated or was changed
 */
export async function readState(path: string): Promise<unknown> {
  closeSync(openRegularFile(path)); // anything else could block
  const file = await open(path, "r");
  try {
    const hash = createHash("sha256");
    const head = await readExactly(file, magic.length + 8, path);
    if (!head.subarray(0, magic.length).equals(magic)) {
      throw new UserError(`'${path}' is no state that this release of fedclair can read`);
    }
    const length = Number(head.readBigUInt64LE(magic.length));
    const { size } = await file.stat();
    if (length > size) throw new UserError(`'${path}' is cut off`);
    const text = await readExactly(file, length, path);
    hash.update(head).update(text);
    const reader = new ArrayReader(text, size);
    const value = readValue(reader, path);
    for (const array of reader.arrays) {
      await fill(file, array, path);
      hash.update(toBytes(array));
    }
    const digest = await readExactly(file, digestBytes, path);
    if (!digest.equals(hash.digest())) throw createDamageError(path);
    return value;
  } finally {
    await file.close();
  }
}

/** Does a file end with the hash of the rest, as `writeState` wrote it? */
export async function isWholeState(path: string): Promise<boolean> {
  closeSync(openRegularFile(path)); // anything else could block
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const end = size - digestBytes;
    if (end <= 0) return false;
    const content = file.createReadStream({ start: 0, end: end - 1, autoClose: false });
    const digest = Buffer.from(await hashContent(content), "hex");
    const { buffer } = await file.read(Buffer.alloc(digestBytes), 0, digestBytes, end);
    return digest.equals(buffer);
  } finally {
    await file.close();
  }
}

function readValue(reader: ArrayReader, path: string): unknown {
  try {
    reader.readHeader();
    return reader.readValue();
  } catch {
    throw createDamageError(path);
  }
}

function createDamageError(path: string): UserError {
  return new UserError(`'${path}' is damaged: what it holds is not what was written`);
}

const kinds = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

/** Writes only the kind and length of a typed array into the value. */
class ArrayWriter extends Serializer {
  readonly arrays: ArrayBufferView[] = [];
  readonly #elsewhere: ReadonlyMap<ArrayBufferView, Stored>;

  /** @param elsewhere the tensors whose numbers arrays stand in for */
  constructor(elsewhere: ReadonlyMap<ArrayBufferView, Stored>) {
    super();
    this.#elsewhere = elsewhere;
    (this as unknown as Internal)._setTreatArrayBufferViewsAsHostObjects(true);
  }

  _writeHostObject(view: ArrayBufferView): void {
    const kind = kinds.findIndex((one) => view instanceof one);
    if (kind < 0) throw new Error("a state holds typed arrays, no other views");
    this.writeUint32(kind);
    const stored = this.#elsewhere.get(view);
    this.writeUint64(0, stored ? countNumbers(stored) : (view as Float64Array).length);
    this.arrays.push(view);
  }
}

interface Internal {
  _setTreatArrayBufferViewsAsHostObjects(flag: boolean): void;
}

class ArrayReader extends Deserializer {
  readonly arrays: ArrayBufferView[] = [];
  /** Bytes of the file that are left for arrays, so that a damaged length allocates no more. */
  #left: number;

  constructor(text: Buffer, size: number) {
    super(text);
    this.#left = size;
  }

  _readHostObject(): ArrayBufferView {
    const Kind = kinds[this.readUint32()];
    const [high, low] = this.readUint64();
    if (!Kind) throw new Error("a typed array of an unknown kind");
    const count = high * 2 ** 32 + low;
    this.#left -= count * Kind.BYTES_PER_ELEMENT;
    if (this.#left < 0) throw new Error("an array longer than the file");
    const array = new Kind(count);
    this.arrays.push(array);
    return array;
  }
}

async function readExactly(file: FileHandle, bytes: number, path: string): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  await fill(file, buffer, path);
  return buffer;
}

async function fill(file: FileHandle, view: ArrayBufferView, path: string): Promise<void> {
  const bytes = toBytes(view);
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, null);
    if (bytesRead === 0) throw new UserError(`'${path}' is cut off`);
    at += bytesRead;
  }
}

function toBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
