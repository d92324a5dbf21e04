import type { Stream } from "@fedclair/linalg";

/** From four rounds on, a Feistel network of random functions looks like a random permutation. */
const feistelRounds = 6;

/**
 * Draws a permutation of 0 … `count` - 1 that is computed index by index, so that no list of all
 * clients is needed: a Feistel network on the next even number of bits, applied again while the
 * result is too large (cycle walking; Black and Rogaway, CT-RSA 2002).
 * @param count 1 … 2³²
 */
export function drawPermutation(count: number, rng: Stream): (index: number) => number {
  const half = Math.max(1, Math.ceil(Math.log2(count) / 2));
  const size = 2 ** half;
  const keys = Array.from({ length: feistelRounds }, () => rng.int(2 ** 32));
  const permuteOnce = (index: number) => {
    let left = Math.floor(index / size);
    let right = index % size;
    for (const key of keys) {
      [left, right] = [right, (left ^ mixBits(right ^ key)) & (size - 1)];
    }
    return left * size + right;
  };
  return (index) => {
    let image = permuteOnce(index);
    while (image >= count) image = permuteOnce(image);
    return image;
  };
}

/** Mixes 32 bits, as MurmurHash3 finishes. */
function mixBits(bits: number): number {
  let h = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
