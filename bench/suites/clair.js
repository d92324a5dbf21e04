// CLAIR at the sizes of real adapters, next to the same steps in NumPy, and how its time grows.
import { availableParallelism } from "node:os";
import { clair, clairSchema, refine } from "@fedclair/clair";
import { Matrix, multiply, addScaled, stream, thinQr } from "@fedclair/linalg";
import { median } from "../harness/compare.js";

/**
 * Creates updates of p×q modules of LoRA rank r, 30 % of them contaminated. Benign factors B share
 * a column space; each contaminated factor has its own.
 */
export function adapters({ p, q = p, r, clients, modules = 1 }) {
  const rng = stream("bench");
  const names = Array.from({ length: modules }, (_, m) => `m${m}`);
  const basis = (own) => thinQr(new Matrix(p, r, own.at("U").normals(p * r))).q;
  const shared = new Map(names.map((name) => [name, basis(rng.at(name))]));
  return Array.from({ length: clients }, (_, k) => {
    const module = (name) => {
      const own = rng.at(name, k);
      const space = k % 10 < 3 ? basis(own) : shared.get(name);
      // Orthonormal, so that no benign client is weak in some direction by chance and then rightly
      // flagged.
      const b = multiply(space, thinQr(new Matrix(r, r, own.at("C").normals(r * r))).q);
      addScaled(b, 1, new Matrix(p, r, own.at("E").normals(p * r, 0.02 / Math.sqrt(r))));
      const a = own.at("A").normals(r * q, 1 / Math.sqrt(q));
      const low = { b: { shape: [p, r], data: b.toRowMajor() }, a: { shape: [r, q], data: a } };
      return [name, low];
    };
    return { clientId: `c${k}`, numExamples: 1, metrics: {}, delta: new Map(names.map(module)) };
  });
}

const optionsOf = (rank) => clairSchema.parse({ rank, starts: 8, rule: "gap" });

/** @throws Error if the number of flagged clients is wrong */
async function runClair(updates, options, threads) {
  const result = await clair(updates, options, { threads });
  const bad = updates.filter((_, k) => k % 10 < 3).length;
  const flagged = [...result.status.values()].filter((s) => s === "contaminated").length;
  if (flagged === bad) return result;
  result.modules.close();
  throw new Error(`flagged ${flagged} of ${bad} contaminated clients`);
}

/**
 * Measures the median milliseconds of detection (steps 0 to 6) and refinement (step 7).
 * @param threads number of threads in addition to this one
 */
export async function time(size, { rank = size.r, times = 3, threads = 0 } = {}) {
  const updates = adapters(size);
  const options = optionsOf(rank);
  const runs = [];
  for (let run = 0; run < times; run++) {
    const start = performance.now();
    const result = await runClair(updates, options, threads);
    const end = performance.now();
    await refine(result, options);
    runs.push({ find: end - start, refine: performance.now() - end });
    result.modules.close();
  }
  const middle = (key) => median(runs.map((run) => run[key]));
  return { find: middle("find"), refine: middle("refine") };
}

export const title = "CLAIR, next to NumPy";

/** Sizes for which bench/peers/clair.py computes steps 0 to 6 by the same formulas. */
const large = [64, 256, 1000].map((clients) => ({ p: 4096, r: 8, clients }));

export async function* items() {
  for (const size of large) {
    const updates = adapters(size);
    yield item(`4096×4096, r = 8, K = ${size.clients}`, updates, {
      NumPy: { peer: "clair", options: size },
    });
    const options = optionsOf(size.r);
    const result = await clair(updates, options);
    yield {
      name: `CLAIR, 4096×4096, r = 8, K = ${size.clients}, refinement`,
      sides: { fedclair: { run: async () => void (await refine(result, options)) } },
    };
    result.modules.close();
  }
  for (const clients of [16, 20, 100]) {
    const updates = adapters({ p: 256, r: 8, clients });
    yield item(`256×256, K = ${clients}, rank auto`, updates, {}, { rank: "auto" });
  }
  const many = adapters({ p: 1024, r: 8, clients: 16, modules: 128 });
  const name = "128 modules 1024×1024, K = 16";
  yield item(`${name}, one thread`, many, {});
  const cores = availableParallelism();
  yield item(name, many, {}, { threads: cores });
}

/** Creates a row that times steps 0 to 6. @param others other sides by name */
function item(name, updates, others, { rank = 8, threads = 0 } = {}) {
  const run = async () => (await runClair(updates, optionsOf(rank), threads)).modules.close();
  const cores = Math.max(1, threads);
  return { name: `CLAIR, ${name}`, cores, sides: { fedclair: { run }, ...others } };
}

const scales = {
  clients: {
    values: [16, 32, 64, 128, 256, 512, 1000],
    of: (clients) => ({ p: 1024, r: 8, clients }),
  },
  rank: { values: [2, 4, 8, 16, 32], of: (r) => ({ p: 1024, r, clients: 64 }) },
  rows: { values: [256, 512, 1024, 2048, 4096, 8192], of: (p) => ({ p, r: 8, clients: 64 }) },
  modules: {
    values: [1, 2, 4, 8, 16, 32, 64, 128],
    of: (modules) => ({ p: 256, r: 8, clients: 32, modules }),
  },
};

/**
 * Measures how the time of steps 0 to 7 grows with one size at a time.
 * @returns {Promise<{ size: string, value: number, ms: number, exponent: number }[]>} `exponent` is
 *   the
 *   slope of ln ms over ln size, by least squares
 */
export async function scale() {
  const rows = [];
  for (const [size, { values, of }] of Object.entries(scales)) {
    const points = [];
    for (const value of values) {
      const { find, refine: refineMs } = await time(of(value));
      points.push({ size, value, ms: find + refineMs });
    }
    const exponent = slope(points.map(({ value, ms }) => [Math.log(value), Math.log(ms)]));
    rows.push(...points.map((point) => ({ ...point, exponent })));
  }
  return rows;
}

function slope(points) {
  const mean = (i) => points.reduce((sum, point) => sum + point[i], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const top = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return top / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
