// node libs/aggregators/bench/clair.js [--scale]: CLAIR at the sizes of real adapters, beside a NumPy reference, and how its time grows.
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { clair, clairSchema, refine } from "@fedclair/aggregators";
import { Matrix, multiply, addScaled, stream, thinQr } from "@fedclair/linalg";

/**
 * Updates of p×q modules of LoRA rank r, 30 % of them contaminated: benign factors B share a column space, the others have one each.
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
      // Orthonormal, so that no client's own part is weak in some direction by chance: that would be a false alarm, rightly.
      const b = multiply(space, thinQr(new Matrix(r, r, own.at("C").normals(r * r))).q);
      addScaled(b, 1, new Matrix(p, r, own.at("E").normals(p * r, 0.02 / Math.sqrt(r))));
      const a = own.at("A").normals(r * q, 1 / Math.sqrt(q));
      const low = { b: { shape: [p, r], data: b.toRowMajor() }, a: { shape: [r, q], data: a } };
      return [name, low];
    };
    return { clientId: `c${k}`, numExamples: 1, metrics: {}, delta: new Map(names.map(module)) };
  });
}

/** Median milliseconds of finding (steps 0 to 6) and refining (step 7). @param threads others than this one */
export async function time(size, { rank = size.r, times = 3, threads = 0 } = {}) {
  const updates = adapters(size);
  const options = clairSchema.parse({ rank, starts: 8 });
  const bad = updates.filter((_, k) => k % 10 < 3).length;
  const runs = [];
  for (let run = 0; run < times; run++) {
    const start = performance.now();
    const result = await clair(updates, options, { threads });
    const found = performance.now();
    await refine(result, options);
    runs.push({ find: found - start, refine: performance.now() - found });
    result.modules.close();
    const flagged = [...result.status.values()].filter((s) => s === "contaminated").length;
    if (flagged !== bad) throw new Error(`flagged ${flagged} of ${bad} contaminated clients`);
  }
  const median = (key) => runs.map((run) => run[key]).sort((x, y) => x - y)[times >> 1];
  return { find: median("find"), refine: median("refine") };
}

const large = { p: 4096, r: 8 };
/** The NumPy reference's milliseconds on one idle core; it skips leave-one-out beyond 128 members, as CLAIR does. */
const sizes = [
  { ...large, clients: 64, reference: 1600 },
  { ...large, clients: 256, reference: 3400 },
  { ...large, clients: 1000, reference: 4100 },
];

/** @returns {Promise<{ name: string, ms: number, reference?: number }[]>} */
export async function bench() {
  const rows = [];
  for (const { reference, ...size } of sizes) {
    const { find, refine: refined } = await time(size);
    const name = `CLAIR, ${size.p}×${size.p}, r = ${size.r}, K = ${size.clients}`;
    rows.push({ name, ms: find, reference }, { name: `${name}, refinement`, ms: refined });
  }
  for (const clients of [16, 20, 100]) {
    const { find } = await time({ p: 256, r: 8, clients }, { rank: "auto" });
    rows.push({ name: `CLAIR, 256×256, K = ${clients}, rank auto`, ms: find });
  }
  const many = { p: 1024, r: 8, clients: 16, modules: 128 };
  const name = `CLAIR, ${many.modules} modules 1024×1024, K = 16`;
  const alone = (await time(many)).find;
  rows.push({ name: `${name}, one thread`, ms: alone });
  const together = (await time(many, { threads: availableParallelism() })).find;
  rows.push({ name: `${name}, all cores`, ms: together, reference: alone });
  return rows;
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
 * How the time of steps 0 to 7 grows with one size at a time.
 * @returns {Promise<{ size: string, value: number, ms: number, exponent: number }[]>} exponent: slope of ln ms over ln size, by least squares
 */
export async function scale() {
  const rows = [];
  for (const [size, { values, of }] of Object.entries(scales)) {
    const points = [];
    for (const value of values) {
      const { find, refine: refined } = await time(of(value));
      points.push({ size, value, ms: find + refined });
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

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  console.table(await (process.argv.includes("--scale") ? scale() : bench()));
}
