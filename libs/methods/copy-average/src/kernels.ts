import { at } from "@fedclair/linalg";
/** The relation of two weight vectors w and v, on which a kernel depends. */
interface Overlap {
  /** |w|² */
  readonly p: number;
  /** w·v */
  readonly c: number;
  /** |v|² */
  readonly q: number;
  /**
   * pq − c², the squared area between the two. It is computed separately, because this difference
   * cancels for parallel vectors.
   */
  readonly area: number;
}

/** First partial derivatives of g(p, c, q), so that ∂g/∂w = 2·p·w + c·v. */
interface Slopes {
  readonly p: number;
  readonly c: number;
}

/** Second partial derivatives of g(p, c, q). */
interface Curvatures {
  readonly pp: number;
  readonly pc: number;
  readonly pq: number;
  readonly cc: number;
  readonly cq: number;
}

/** The kernel g(w, v) = E[σ(w·x)·σ(v·x)] for x ~ N(0, I), in closed form. */
export interface Kernel {
  value(overlap: Overlap): number;
  slopes(overlap: Overlap): Slopes;
  curvatures(overlap: Overlap): Curvatures;
  /**
   * Returns m with E[σ(w·x)·x] = m·w.
   * @param p |w|²
   */
  linearFactor(p: number): number;
}

export type Activation = "erf" | "relu" | "sine";

/** Whether σ(−z) = −σ(z), so that a neuron and its negative are the same function. */
export function isOdd(activation: Activation): boolean {
  return activation !== "relu";
}

const twoOverPi = 2 / Math.PI;

/** The kernel of σ(z) = erf(z/√2): g = (2/π)·asin(c/√((1+p)(1+q))) (Williams, NIPS 1996). */
const erf: Kernel = {
  value: ({ p, c, q }) => twoOverPi * Math.asin(clip(c / Math.sqrt((1 + p) * (1 + q)))),
  slopes: ({ p, c, q, area }) => {
    const s = 1 / Math.sqrt(1 + p + q + area);
    return { p: (-twoOverPi * s * c) / (2 * (1 + p)), c: twoOverPi * s };
  },
  curvatures: ({ p, c, q, area }) => {
    const s = 1 / Math.sqrt(1 + p + q + area);
    const cube = s ** 3;
    return {
      pp: (twoOverPi * c * ((cube * (1 + q)) / (2 * (1 + p)) + s / (1 + p) ** 2)) / 2,
      pc: (-twoOverPi * cube * (1 + q)) / 2,
      pq: (twoOverPi * c * cube) / 4,
      cc: twoOverPi * cube * c,
      cq: (-twoOverPi * cube * (1 + p)) / 2,
    };
  },
  linearFactor: (p) => Math.sqrt(twoOverPi / (1 + p)),
};

/**
 * The kernel of σ(z) = max(0, z): g = (√area + (π − θ)·c)/(2π) with the angle θ (Cho and Saul, NIPS
 * 2009).
 */
const relu: Kernel = {
  value: ({ c, area }) => {
    const s = Math.sqrt(area);
    return (s + (Math.PI - Math.atan2(s, c)) * c) / (2 * Math.PI);
  },
  slopes: ({ p, c, area }) => {
    const s = Math.sqrt(area);
    return {
      p: p === 0 ? 0 : s / (4 * Math.PI * p),
      c: (Math.PI - Math.atan2(s, c)) / (2 * Math.PI),
    };
  },
  curvatures: ({ p, c, q, area }) => {
    const s = Math.sqrt(area);
    // Between parallel vectors, the terms in 1/s cancel in both second derivatives, but not in
    // floating point.
    const inverse = area <= 1e-24 * p * q ? 0 : 1 / s;
    return {
      pp: p === 0 ? 0 : ((q * inverse) / (2 * p) - s / p ** 2) / (4 * Math.PI),
      pc: p === 0 ? 0 : (-c * inverse) / (4 * Math.PI * p),
      pq: inverse / (8 * Math.PI),
      cc: inverse / (2 * Math.PI),
      cq: q === 0 ? 0 : (-c * inverse) / (4 * Math.PI * q),
    };
  },
  linearFactor: () => 1 / 2,
};

/**
 * The kernel of σ(z) = sin(z): g = exp(−(p + q)/2)·sinh(c), because E[cos(u·x)] = exp(−|u|²/2) and
 * sin·sin is half the difference of two cosines.
 */
const sine: Kernel = {
  value: ({ p, c, q }) => Math.exp(-(p + q) / 2) * Math.sinh(c),
  slopes: ({ p, c, q }) => {
    const decay = Math.exp(-(p + q) / 2);
    return { p: (-decay * Math.sinh(c)) / 2, c: decay * Math.cosh(c) };
  },
  curvatures: ({ p, c, q }) => {
    const decay = Math.exp(-(p + q) / 2);
    const [odd, even] = [decay * Math.sinh(c), decay * Math.cosh(c)];
    return { pp: odd / 4, pc: -even / 2, pq: odd / 4, cc: odd, cq: -even / 2 };
  },
  linearFactor: (p) => Math.exp(-p / 2),
};

export const kernelOf: Readonly<Record<Activation, Kernel>> = { erf, relu, sine };

/** Computes the overlap of two vectors of the same length. */
export function overlapOf(w: Float64Array, v: Float64Array): Overlap {
  let p = 0;
  let c = 0;
  let q = 0;
  for (let i = 0; i < w.length; i++) {
    const wi = at(w, i);
    const vi = at(v, i);
    p += wi * wi;
    c += wi * vi;
    q += vi * vi;
  }
  if (p === 0) return { p, c, q, area: 0 };
  const ratio = c / p;
  let residual = 0;
  for (let i = 0; i < w.length; i++) residual += (at(v, i) - ratio * at(w, i)) ** 2;
  return { p, c, q, area: p * residual };
}

/** Limits a cosine to ±1, which rounding can exceed for parallel vectors. */
function clip(cosine: number): number {
  return Math.max(-1, Math.min(1, cosine));
}
