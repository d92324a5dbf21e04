import { createKernels } from "./kernels.js";

const pageBytes = 65_536;
export const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
export const kernels = createKernels(memory);

/**
 * Start of the memory that was never allocated. Nothing is stored at 0 and 1, because kernels read
 * these addresses as "nothing" and "zeros".
 */
let used = 16;
/** Freed addresses by size. */
const free = new Map<number, number[]>();

/**
 * Allocates a number of bytes, a multiple of 16, at an address that is a multiple of 16. Freed
 * memory is reused only for the same size, because trials use few sizes, over and over.
 * @throws RangeError if 4 GiB do not suffice
 */
export function allocate(bytes: number): number {
  const reusable = free.get(bytes)?.pop();
  if (reusable !== undefined) return reusable;
  const address = used;
  used += bytes;
  const missing = used - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
  return address;
}

export function deallocate(address: number, bytes: number): void {
  const addresses = free.get(bytes);
  if (addresses) addresses.push(address);
  else free.set(bytes, [address]);
}
