import { kernelsOn } from "./kernels.js";

const pageBytes = 65_536;
export const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
export const kernels = kernelsOn(memory);

/** Where nothing was taken yet. Nothing lies at 0 and 1: to the kernels they say that there is nothing, or zeros. */
let used = 16;
/** Addresses that were given back, by the size of what lies there. */
const free = new Map<number, number[]>();

/**
 * So many bytes, a multiple of 16, at an address that is one. What is given back is taken again for the same size alone:
 * trials take few sizes, over and over.
 * @throws RangeError when 4 GiB do not suffice
 */
export function allocate(bytes: number): number {
  const known = free.get(bytes)?.pop();
  if (known !== undefined) return known;
  const address = used;
  used += bytes;
  const missing = used - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
  return address;
}

export function giveBack(address: number, bytes: number): void {
  const known = free.get(bytes);
  if (known) known.push(address);
  else free.set(bytes, [address]);
}
