/*
 * exp, log, sin, cos and cbrt of fdlibm, to the bit. The standard leaves their last bits to the
 * engine: Node.js 20 to 26 has those of fdlibm, newer browsers have others. The worker puts these
 * functions into its `Math`, so that a tab computes the same bytes as a host in Node.js.
 *
 * Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
 * Developed at SunSoft, a Sun Microsystems, Inc. business. Permission to use, copy, modify, and
 * distribute this software is freely granted, provided that this notice is preserved.
 */

const number = new Float64Array(1);
const words = new Int32Array(number.buffer);

/** The upper half of a number's bits, on little-endian machines. */
function highWord(x: number): number {
  number[0] = x;
  return words[1] ?? 0;
}

/** A number from the halves of its bits. */
function fromWords(high: number, low: number): number {
  words[1] = high;
  words[0] = low;
  return number[0] ?? 0;
}

const ln2High = 6.9314718036912381649e-1;
const ln2Low = 1.90821492927058770002e-10;
const two1023 = 2 ** 1023;

/** eˣ, as fdlibm's e_exp.c computes it. */
export function exp(x: number): number {
  const high = highWord(x);
  const isNegative = high < 0;
  const size = high & 0x7fffffff;
  if (Number.isNaN(x)) return x;
  if (x > 7.09782712893383973096e2) return Infinity;
  if (x < -7.4513321910194110842e2) return 0;
  let k = 0;
  let upper = 0;
  let lower = 0;
  if (size > 0x3fd62e42) {
    if (size < 0x3ff0a2b2) {
      if (x === 1) return Math.E;
      k = isNegative ? -1 : 1;
      upper = x - k * ln2High;
    } else {
      k = Math.trunc(1.442695040888963387 * x + (isNegative ? -0.5 : 0.5));
      upper = x - k * ln2High;
    }
    lower = k * ln2Low;
    x = upper - lower;
  } else if (size < 0x3e300000) return 1 + x;
  const t = x * x;
  const c =
    x -
    t *
      (1.66666666666666019037e-1 +
        t *
          (-2.77777777770155933842e-3 +
            t *
              (6.61375632143793436117e-5 +
                t * (-1.6533902205465251539e-6 + t * 4.13813679705723846039e-8))));
  if (k === 0) return 1 - ((x * c) / (c - 2) - x);
  const y = 1 - (lower - (x * c) / (2 - c) - upper);
  if (k === 1024) return y * 2 * two1023;
  if (k >= -1021) return y * fromWords(0x3ff00000 + (k << 20), 0);
  return y * fromWords(0x3ff00000 + ((k + 1000) << 20), 0) * 2 ** -1000;
}

/** The natural logarithm, as fdlibm's e_log.c computes it. */
export function log(x: number): number {
  if (x === 0) return -Infinity;
  if (x < 0) return NaN;
  if (!(x < Infinity)) return x;
  let k = 0;
  let high = highWord(x);
  if (high < 0x00100000) {
    k = -54;
    x *= 2 ** 54;
    high = highWord(x);
  }
  k += (high >> 20) - 1023;
  high &= 0xfffff;
  const carry = (high + 0x95f64) & 0x100000;
  highWord(x);
  const f = fromWords(high | (carry ^ 0x3ff00000), words[0] ?? 0) - 1;
  k += carry >> 20;
  if ((0xfffff & (2 + high)) < 3) {
    if (f === 0) return k === 0 ? 0 : k * ln2High + k * ln2Low;
    const r = f * f * (0.5 - 0.33333333333333333 * f);
    return k === 0 ? f - r : k * ln2High - (r - k * ln2Low - f);
  }
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const t1 =
    w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const t2 =
    z *
    (6.66666666666673513e-1 +
      w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  const r = t2 + t1;
  if (((high - 0x6147a) | (0x6b851 - high)) > 0) {
    const half = 0.5 * f * f;
    return k === 0
      ? f - (half - s * (half + r))
      : k * ln2High - (half - (s * (half + r) + k * ln2Low) - f);
  }
  return k === 0 ? f - s * (f - r) : k * ln2High - (s * (f - r) - k * ln2Low - f);
}

/** π/2 in three parts of 33 bits, each with the rest of π/2 behind it. */
const halfPi = [
  { part: 1.57079632673412561417, rest: 6.07710050650619224932e-11 },
  { part: 6.0771005063039659766e-11, rest: 2.02226624879595063154e-21 },
  { part: 2.0222662487111664558e-21, rest: 8.47842766036889956997e-32 },
] as const;

/** Up to here an angle is reduced with these parts. */
const largestAngle = 2 ** 19 * (Math.PI / 2);

/** sin x, as fdlibm's s_sin.c computes it; beyond ±823,549 as the engine does. */
export const sin = trigonometric(Math.sin, 0);

/** cos x, as fdlibm's s_cos.c computes it; beyond ±823,549 as the engine does. */
export const cos = trigonometric(Math.cos, 1);

/** @param quarter how many quarter turns the function is ahead of the sine */
function trigonometric(engine: (x: number) => number, quarter: 0 | 1): (x: number) => number {
  return (x) => {
    if (!(Math.abs(x) <= largestAngle)) return engine(x);
    const { turns, angle, tail, isReduced } = reduce(x);
    const place = (turns + quarter) & 3;
    const value = place % 2 === 0 ? sinNearZero(angle, tail, isReduced) : cosNearZero(angle, tail);
    return place < 2 ? value : -value;
  };
}

/** Subtracts quarter turns from an angle: the rest is `angle` + `tail`, at most π/4 in size. */
function reduce(x: number) {
  const size = highWord(x) & 0x7fffffff;
  if (size <= 0x3fe921fb) return { turns: 0, angle: x, tail: 0, isReduced: false };
  const sign = x < 0 ? -1 : 1;
  const positive = Math.abs(x);
  // From here on for a positive angle; the signs of all numbers change with it.
  const isSmall = size < 0x4002d97c;
  const turns = isSmall ? 1 : Math.trunc(positive * 6.36619772367581382433e-1 + 0.5);
  const [first, second, third] = halfPi;
  const top = size >> 20;
  const lostBits = (y: number) => top - ((highWord(y) >> 20) & 0x7ff);
  let r = positive - turns * first.part;
  let w = turns * first.rest;
  let angle = r - w;
  // Angles next to a multiple of π/2 lose bits, which the next part of π/2 brings back.
  if (isSmall ? size === 0x3ff921fb : lostBits(angle) > 16) {
    let t = r;
    w = turns * second.part;
    r = t - w;
    w = isSmall ? second.rest : turns * second.rest - (t - r - w);
    angle = r - w;
    if (!isSmall && lostBits(angle) > 49) {
      t = r;
      w = turns * third.part;
      r = t - w;
      w = turns * third.rest - (t - r - w);
      angle = r - w;
    }
  }
  return {
    turns: sign * turns,
    angle: sign * angle,
    tail: sign * (r - angle - w),
    isReduced: true,
  };
}

/** sin(x + y) for |x| ≤ π/4 and a tiny y, as k_sin.c computes it. */
function sinNearZero(x: number, y: number, hasTail: boolean): number {
  if ((highWord(x) & 0x7fffffff) < 0x3e400000) return x;
  const z = x * x;
  const v = z * x;
  const s1 = -1.66666666666666324348e-1;
  const r =
    8.33333333332248946124e-3 +
    z *
      (-1.98412698298579493134e-4 +
        z *
          (2.75573137070700676789e-6 +
            z * (-2.5050760253406863419e-8 + z * 1.58969099521155010221e-10)));
  return hasTail ? x - (z * (0.5 * y - v * r) - y - v * s1) : x + v * (s1 + z * r);
}

/** cos(x + y) for |x| ≤ π/4 and a tiny y, as k_cos.c computes it. */
function cosNearZero(x: number, y: number): number {
  const size = highWord(x) & 0x7fffffff;
  if (size < 0x3e400000) return 1;
  const z = x * x;
  const r =
    z *
    (4.16666666666666019037e-2 +
      z *
        (-1.38888888888741095749e-3 +
          z *
            (2.48015872894767294178e-5 +
              z *
                (-2.75573143513906633035e-7 +
                  z * (2.0875723212981748279e-9 + z * -1.13596475577881948265e-11)))));
  if (size < 0x3fd33333) return 1 - (0.5 * z - (z * r - x * y));
  const q = size > 0x3fe90000 ? 0.28125 : fromWords(size - 0x00200000, 0);
  return 1 - q - (0.5 * z - q - (z * r - x * y));
}

/** ∛x, as FreeBSD's s_cbrt.c computes it. */
export function cbrt(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const high = highWord(x);
  const sign = high & 0x80000000;
  const size = high & 0x7fffffff;
  // A first value by a third of the exponent; a subnormal number is scaled by 2⁵⁴.
  const third =
    size < 0x00100000
      ? Math.trunc((highWord(x * 2 ** 54) & 0x7fffffff) / 3) + 696219795
      : Math.trunc(size / 3) + 715094163;
  let t = fromWords(sign | third, 0);
  let r = t * t * (t / x);
  t *=
    1.87595182427177009643 +
    r * (-1.88497979543377169875 + r * 1.62142972010535446614) +
    r * r * r * (-0.758397934778766047437 + r * 0.145996192886612446982);
  // To 23 bits, away from zero, so that t·t is exact.
  const upper = highWord(t);
  const lower = (words[0] ?? 0) >>> 0;
  t = fromWords(upper + (lower >= 0x80000000 ? 1 : 0), (lower + 0x80000000) & 0xc0000000);
  r = x / (t * t);
  return t + t * ((r - t) / (t + t + r));
}
