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
  type Params,
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

const [opened, written] = [promisify(open), promisify(write)];

/** Closes files that no tensor reads any more. */
const unused = new FinalizationRegistry<number>((file) => {
  close(file); // not at once: to free a gigabyte takes the system 0.2 s
});

/**
 * A file for updates that memory has no room for. It has no name, and is gone with the last tensor that it has the numbers of, or with the
 * process, however that ends.
 */
export class UpdateFile {
  readonly #file: number;
  readonly #folder: string;
  #end = 0;

  private constructor(file: number, folder: string) {
    this.#file = file;
    this.#folder = folder;
    unused.register(this, file);
  }

  /** @throws UserError if it cannot be made there */
  static async in(folder: string): Promise<UpdateFile> {
    const path = join(folder, `updates-${randomUUID()}`);
    const file = await opened(path, "wx+").catch((error: unknown) => fails(folder, error));
    await rm(path);
    return new UpdateFile(file, folder);
  }

  /** @returns the same update, its numbers in the file @throws UserError if the disk does not take it */
  async store(update: Update): Promise<Update> {
    const delta = new Map<string, TensorDelta>();
    for (const [module, change] of update.delta) {
      const stored = isLowRank(change)
        ? { b: await this.#store(change.b), a: await this.#store(change.a) }
        : await this.#store(change);
      delta.set(module, stored);
    }
    return { ...update, delta };
  }

  /** @returns the same params, their numbers in the file @throws UserError if the disk does not take them */
  async storeParams(params: Params): Promise<StoredParams> {
    const stored = new Map<string, Stored>();
    for (const [name, tensor] of params) stored.set(name, await this.#store(tensor));
    return stored;
  }

  async #store(tensor: Tensor): Promise<Stored> {
    const data = readNumbers(tensor);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const at = this.#end;
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await written(
        ...([this.#file, bytes, done, bytes.length - done, at + done] as const),
      ).catch((error: unknown) => fails(this.#folder, error));
      done += bytesWritten;
    }
    this.#end = at + bytes.length;
    const dtype = dtypeOf(tensor);
    const Numbers = dtype === "f32" ? Float32Array : Float64Array;
    const count = data.length;
    const read = () => {
      const numbers = new Numbers(count);
      this.#read(new Uint8Array(numbers.buffer), at);
      return numbers;
    };
    return createStored(tensor.shape, dtype, payloadBytes([tensor]), read);
  }

  #read(bytes: Uint8Array, at: number): void {
    try {
      for (let done = 0; done < bytes.length;) {
        const read = readSync(this.#file, bytes, done, bytes.length - done, at + done);
        if (read === 0) throw new Error("it ends too early");
        done += read;
      }
    } catch (error) {
      fails(this.#folder, error);
    }
  }
}

function fails(folder: string, error: unknown): never {
  throw new UserError(
    `cannot keep updates in '${folder}' until the round is over: ${errorMessage(error)}; free some space, or choose another folder by --out`,
  );
}
