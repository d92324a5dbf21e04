/*
 * The frame format of LZ4 (github.com/lz4/lz4, doc/lz4_Frame_format.md), in which pandas and
 * pyarrow compress Arrow files by default. Checksums are not verified.
 */

const magic = 0x184d2204;

/**
 * Decodes a frame.
 * @param length the number of bytes that it holds
 * @throws Error if it is no frame, or holds more or fewer bytes
 */
export function decodeLz4Frame(bytes: Uint8Array, length: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== magic) throw new Error("expected a frame of LZ4");
  const flags = view.getUint8(4);
  const hasBlockChecksums = (flags & 0x10) !== 0;
  let at = 7 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  const out = new Uint8Array(length);
  let end = 0;
  for (;;) {
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) break;
    const stored = size & 0x7fffffff;
    const block = bytes.subarray(at, at + stored);
    if (block.length < stored) throw new Error("a block of LZ4 is cut off");
    if (size >= 0x80000000) {
      out.set(block, end); // throws beyond the end
      end += stored;
    } else {
      end = decodeBlock(block, out, end);
    }
    at += stored + (hasBlockChecksums ? 4 : 0);
  }
  if (end !== length) throw new Error(`expected ${length} bytes in a frame of LZ4, got ${end}`);
  return out;
}

/** Decodes a block behind the `end` bytes of earlier ones. @returns the new end */
function decodeBlock(block: Uint8Array, out: Uint8Array, end: number): number {
  let at = 0;
  const byte = (): number => {
    const value = block[at++];
    if (value === undefined) throw new Error("a block of LZ4 is cut off");
    return value;
  };
  const extend = (count: number): number => {
    let total = count;
    if (count === 15) {
      let more: number;
      do total += more = byte();
      while (more === 255);
    }
    return total;
  };
  for (;;) {
    const token = byte();
    const literals = extend(token >> 4);
    if (at + literals > block.length) throw new Error("a block of LZ4 is cut off");
    out.set(block.subarray(at, at + literals), end);
    at += literals;
    end += literals;
    if (at === block.length) return end;
    const offset = byte() + 256 * byte();
    const count = 4 + extend(token & 15);
    if (offset === 0 || offset > end || end + count > out.length) {
      throw new Error("a block of LZ4 copies bytes that it does not have");
    }
    // A copy may overlap itself, so it goes byte by byte.
    for (let i = 0; i < count; i++, end++) out[end] = out[end - offset] ?? 0;
  }
}
