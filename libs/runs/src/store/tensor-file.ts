import { randomUUID } from "node:crypto";
import { close, open, readSync, write } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  dtypeOf,
  isLowRank,
  readNumbers,
  UserError,
  type Stored,
  type Tensor,
  type TensorDelta,
  type Update,
} from "@fedclair/core";
import {
  createStored,
  errorMessage,
  payloadBytes,
  type StoredParams,
} from "@fedclair/core/internal";
import { countAllocated } from "./collect-garbage.js";

const [openFile, writeFile] = [promisify(open), promisify(write)];

/** Closes files when no tensor reads them any more. */
const fileRegistry = new FinalizationRegistry<number>((file) => {
  close(file); // asynchronous, because freeing a gigabyte takes the system 0.2 s
});

/**
 * A file for tensors that do not fit into memory. It has no name. It disappears with the last
 * tensor stored in it, or when the process ends in any way.
 */
export class TensorFile {
  readonly #file: number;
  readonly #folder: string;
  #end = 0;

  private constructor(file: number, folder: string) {
    this.#file = file;
    this.#folder = folder;
    fileRegistry.register(this, file);
  }

  /** Creates a file in a folder. @throws UserError if that is not possible */
  static async create(folder: string): Promise<TensorFile> {
    const path = join(folder, `tensors-${randomUUID()}`);
    const file = await openFile(path, "wx+").catch((error: unknown) =>
      throwDiskError(folder, error),
    );
    await rm(path);
    return new TensorFile(file, folder);
  }

  /** Moves the numbers of an update to the file. @throws UserError if writing fails */
  async store(update: Update): Promise<Update> {
    const delta = new Map<string, TensorDelta>();
    for (const [module, change] of update.delta) {
      const stored = isLowRank(change)
        ? { b: await this.storeTensor(change.b), a: await this.storeTensor(change.a) }
        : await this.storeTensor(change);
      delta.set(module, stored);
    }
    return { ...update, delta };
  }

  /** Moves the numbers of params to the file. @throws UserError if writing fails */
  async storeParams(params: StoredParams): Promise<StoredParams> {
    const stored = new Map<string, Stored>();
    for (const [name, tensor] of params) stored.set(name, await this.storeTensor(tensor));
    return stored;
  }

  /** Moves the numbers of a tensor to the file. @throws UserError if writing fails */
  async storeTensor(tensor: Tensor): Promise<Stored> {
    const data = readNumbers(tensor);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const at = this.#end;
    for (let done = 0; done < bytes.length;) {
      const left = bytes.length - done;
      const { bytesWritten } = await writeFile(this.#file, bytes, done, left, at + done).catch(
        (error: unknown) => throwDiskError(this.#folder, error),
      );
      done += bytesWritten;
    }
    this.#end = at + bytes.length;
    countAllocated(bytes.length);
    const dtype = dtypeOf(tensor);
    const Numbers = dtype === "f32" ? Float32Array : Float64Array;
    const count = data.length;
    const read = () => {
      const numbers = new Numbers(count); // and not `bytes`, which would stay in memory
      countAllocated(numbers.byteLength);
      this.#read(new Uint8Array(numbers.buffer), at);
      return numbers;
    };
    const place = { file: this.#file, at };
    return createStored(tensor.shape, dtype, payloadBytes([tensor]), read, place);
  }

  #read(bytes: Uint8Array, at: number): void {
    try {
      for (let done = 0; done < bytes.length;) {
        const read = readSync(this.#file, bytes, done, bytes.length - done, at + done);
        if (read === 0) throw new Error("it ends too early");
        done += read;
      }
    } catch (error) {
      throwDiskError(this.#folder, error);
    }
  }
}

function throwDiskError(folder: string, error: unknown): never {
  throw new UserError(
    `cannot keep tensors that do not fit in memory in '${folder}': ${errorMessage(error)}; free some space, or choose another folder by --out`,
  );
}
