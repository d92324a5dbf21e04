/** Encodes bytes in the format IDX. */
export function idx(shape: readonly number[], data: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.set([0, 0, 8, shape.length]);
  shape.forEach((n, i) => head.writeUInt32BE(n, 4 + 4 * i));
  return Buffer.concat([head, data]);
}

/**
 * Encodes numbers in NumPy's format.
 * @param shape as in Python, without parentheses
 */
export function npy(
  dtype: string,
  shape: string,
  { buffer }: { readonly buffer: ArrayBufferLike },
): Buffer {
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${shape}), }`;
  const head = Buffer.from(`\x93NUMPY\x01\x00..${text.padEnd(117)}\n`, "latin1");
  head.writeUInt16LE(118, 8);
  return Buffer.concat([head, new Uint8Array(buffer)]);
}
