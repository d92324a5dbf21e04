import protobuf from "protobufjs/minimal.js";
import { WireError } from "../wire-error.js";

/** Fields of a message at most, those of its parts included, and numbers of its shapes. */
export const maxFields = 2 ** 19;

/** Bytes of a text that are read; it is longer than any name or failure may be. */
export const maxTextBytes = 64 * 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads protobuf messages of strangers. The generated code makes an object of every two bytes that say so: a message of
 * 256 MB would become some 12 GB, and end the process. So fields are counted, and of a long text only the beginning is
 * read: whoever takes a text checks its length anyway.
 */
export class BoundedReader extends protobuf.Reader {
  readonly #maxTextBytes: number;
  #fields = 0;

  constructor(bytes: Uint8Array, textBytes: number) {
    super(bytes);
    this.discardUnknown = true;
    this.#maxTextBytes = textBytes;
  }

  override tag(): number {
    this.#count(1);
    return super.tag();
  }

  /** A packed list; each of its numbers takes a byte at least. */
  override uint32s(into?: number[]): number[] {
    const { pos } = this;
    this.#count(this.size());
    this.pos = pos;
    return super.uint32s(into);
  }

  override stringVerify(): string {
    const { pos } = this;
    const length = this.size();
    if (length <= this.#maxTextBytes) {
      this.pos = pos;
      return super.stringVerify();
    }
    const start = this.pos;
    this.skip(length);
    let end = start + this.#maxTextBytes;
    while (((this.buf[end] ?? 0) & 0xc0) === 0x80) end--; // not within a character
    return utf8.decode(this.buf.subarray(start, end));
  }

  #count(fields: number): void {
    this.#fields += fields;
    if (this.#fields > maxFields) {
      throw new WireError("MALFORMED", `more than ${maxFields} fields in a message`);
    }
  }
}
