import protobuf from "protobufjs/minimal.js";
import { WireError } from "./wire-error.js";

/** Maximum number of fields in a message, including nested fields and the numbers of its shapes. */
export const maxFields = 2 ** 19;

/** Maximum number of bytes read of a text; longer than any valid name or failure. */
export const maxTextBytes = 64 * 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads protobuf messages from untrusted peers. The generated code can create an object from every
 * two bytes, so a message of 256 MB could grow to some 12 GB and end the process. Therefore fields
 * are counted, and only the beginning of a long text is read; the caller checks the length anyway.
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

  /** Reads a packed list, in which each number takes at least one byte. */
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
    while (((this.buf[end] ?? 0) & 0xc0) === 0x80) end--; // do not cut inside a character
    return utf8.decode(this.buf.subarray(start, end));
  }

  #count(fields: number): void {
    this.#fields += fields;
    if (this.#fields > maxFields) {
      throw new WireError("MALFORMED", `more than ${maxFields} fields in a message`);
    }
  }
}
