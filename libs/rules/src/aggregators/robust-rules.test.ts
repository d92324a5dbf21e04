import { loadRegistry, type AggregatorPlugin, type Aggregation, type Update } from "@fedclair/core";
import { frobenius, gaussian, Matrix, stream, subtract, at } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { product, type Factors } from "./factors.js";
import { aggregatorLoaders } from "./loaders.js";
import { measureLongestArray } from "../../testing/aggregators/allocation.js";
import { sumTerms } from "@fedclair/core/testing";
import { idOf, updateOf } from "../../testing/aggregators/updates.js";

const aggregators = await loadRegistry<AggregatorPlugin>(aggregatorLoaders);

const weightRules = [
  "krum",
  "multi-krum",
  "geometric-median",
  "norm-clip",
  "centered-clipping",
  "nnm",
  "bucketing",
  "dnc",
  "mda",
  "caf",
  "monna",
];
const coordinateRules = ["coordinate-median", "trimmed-mean", "bulyan", "meamed"];

function aggregate(name: string, updates: readonly Update[], options = {}): Promise<Aggregation> {
  const plugin = aggregators.get(name) ?? assert.fail(`no ${name}`);
  return plugin
    .create(plugin.schema.parse(options) as never)
    .aggregate({ round: 1, phase: "train", updates, rng: stream("robust") });
}

async function globalOf(name: string, updates: readonly Update[], options = {}): Promise<Matrix> {
  return sumTerms((await aggregate(name, updates, options)).change);
}

/** Clients that send one number each, with equal numbers of samples. */
const scalars = (...values: number[]) =>
  values.map((x, k) => updateOf(idOf(k), { m: Matrix.fromRows([[x]]) }));

async function numberOf(name: string, values: readonly number[], options = {}): Promise<number> {
  return (await globalOf(name, scalars(...values), options)).get(0, 0);
}

function near(got: Matrix, expected: Matrix, tolerance: number): void {
  const distance = frobenius(subtract(got, expected));
  assert.ok(distance <= tolerance * frobenius(expected), `distance ${distance}`);
}

/** Ten clients near one another, and two far away on opposite sides of zero. */
const factors: readonly Factors[] = Array.from({ length: 12 }, (_, k) => {
  const rng = stream("robust clients").at(k);
  const common = stream("robust common");
  const b = gaussian(common, 8, 2);
  const noise = gaussian(rng, 8, 2, 0.05);
  const size = k === 3 ? 40 : k === 7 ? -30 : 1;
  return {
    b: new Matrix(
      8,
      2,
      b.data.map((x, i) => size * (x + at(noise.data, i))),
    ),
    a: gaussian(common.at("a"), 2, 6),
  };
});
const asPairs = factors.map((f, k) => updateOf(idOf(k), { m: f }, 1 + (k % 3)));
const asDense = factors.map((f, k) => updateOf(idOf(k), { m: product(f) }, 1 + (k % 3)));
const benignMean = new Matrix(8, 6);
factors.forEach((f, k) => {
  if (k === 3 || k === 7) return;
  product(f).data.forEach((x, i) => (benignMean.data[i] = at(benignMean.data, i) + x / 10));
});

for (const name of [...weightRules, ...coordinateRules]) {
  describe(`${name} as a robust rule`, () => {
    it("returns the same for pairs and for their products", async () => {
      near(await globalOf(name, asPairs), await globalOf(name, asDense), 1e-8);
    });

    it("stays with the majority when two of twelve clients are far away", async () => {
      // Clipping only bounds the influence of outliers.
      const tolerance = { "norm-clip": 0.3, "centered-clipping": 0.3 }[name] ?? 0.1;
      near(await globalOf(name, asPairs), benignMean, tolerance);
    });
  });
}

describe("an extremely large change", () => {
  const [first, ...rest] = factors;
  assert.ok(first);
  const outsized = (factor: number): Factors[] => [
    { b: first.b.scale(factor), a: first.a },
    ...rest,
  ];
  const of = (pairs: readonly Factors[]) => [
    pairs.map((f, k) => updateOf(idOf(k), { m: f })),
    pairs.map((f, k) => updateOf(idOf(k), { m: product(f) })),
  ];

  it("does not move the geometric median", async () => {
    for (const updates of of(outsized(1e9))) {
      near(await globalOf("geometric-median", updates), benignMean, 0.1);
    }
  });

  it("is rejected where its square overflows", async () => {
    for (const updates of of(outsized(1e160))) {
      for (const name of weightRules) {
        await assert.rejects(aggregate(name, updates), /a client's change is so large/);
      }
      near(await globalOf("coordinate-median", updates), benignMean, 0.1);
    }
  });
});

describe("the mean", () => {
  it("is moved by two thirds by those two clients", async () => {
    const mean = await globalOf("fedavg", asPairs, { weighting: "uniform" });
    const moved = frobenius(subtract(mean, benignMean)) / frobenius(benignMean);
    assert.ok(Math.abs(moved - 2 / 3) < 0.1, `${moved}`);
  });
});

describe("robust rules on factors", () => {
  const p = 3000;
  const large = Array.from({ length: 7 }, (_, k) => {
    const rng = stream("large").at(k);
    return updateOf(idOf(k), { m: { b: gaussian(rng, p, 2), a: gaussian(rng, 2, p) } });
  });

  for (const name of weightRules) {
    it(`${name} allocates nothing as large as a module`, async () => {
      const longest = await measureLongestArray(() => aggregate(name, large));
      assert.ok(longest > 0 && longest < (p * p) / 100, `${longest} numbers`);
    });
  }
});

describe("measureLongestArray", () => {
  it("records the blocks that coordinate-wise rules multiply out", async () => {
    // The module fits into one block of all clients.
    assert.equal(
      await measureLongestArray(() => aggregate("coordinate-median", asPairs)),
      12 * 8 * 6,
    );
  });
});

describe("coordinate-median, trimmed-mean", () => {
  it("have hand-checked numbers", async () => {
    assert.equal(await numberOf("coordinate-median", [5, 1, 3, 100]), 4);
    // ⌊0.25·5⌋ = 1 at each end
    assert.equal(await numberOf("trimmed-mean", [-90, 1, 3, 2, 100], { beta: 0.25 }), 2);
  });
});

describe("krum and multi-krum", () => {
  const line = [0, 1, 2, 3, 10];

  it("return the best change, and the mean of all but f", async () => {
    assert.equal(await numberOf("krum", line), 1);
    assert.equal(await numberOf("multi-krum", line), 1.5);
  });

  it("report the f clients with the worst scores as contaminated", async () => {
    for (const name of ["krum", "multi-krum"]) {
      const { verdicts, metrics } = await aggregate(name, scalars(...line));
      assert.deepEqual(metrics, { f: 1 });
      assert.deepEqual(
        verdicts?.map(({ clientId, status, score, threshold }) => [
          clientId,
          status,
          score,
          threshold,
        ]),
        [
          ["c00", "benign", 5, 5],
          ["c01", "benign", 2, 5],
          ["c02", "benign", 2, 5],
          ["c03", "benign", 5, 5],
          ["c04", "contaminated", 113, 5],
        ],
      );
    }
  });

  it("flag no client at fraction 0", async () => {
    const { verdicts } = await aggregate("multi-krum", scalars(...line), { fraction: 0 });
    assert.ok(verdicts?.every((v) => v.status === "benign" && v.threshold === null));
  });
});

describe("geometric-median and norm-clip", () => {
  it("weight clients by their samples, or equally", async () => {
    const updates = [0, 1, 10].map((x, k) =>
      updateOf(idOf(k), { m: Matrix.fromRows([[x]]) }, k === 2 ? 3 : 1),
    );
    const value = async (name: string, weighting: string) =>
      (await globalOf(name, updates, { weighting })).get(0, 0);
    assert.ok(Math.abs((await value("geometric-median", "samples")) - 10) < 1e-5);
    assert.ok(Math.abs((await value("geometric-median", "uniform")) - 1) < 1e-5);
    // Median norm 1: (0 + 1 + 3·1)/5 and (0 + 1 + 1)/3
    assert.ok(Math.abs((await value("norm-clip", "samples")) - 4 / 5) < 1e-15);
    assert.ok(Math.abs((await value("norm-clip", "uniform")) - 2 / 3) < 1e-15);
  });

  it("clip at a given norm over all modules together", async () => {
    const one = Matrix.fromRows([[3]]);
    const other = Matrix.fromRows([[4]]);
    const { change } = await aggregate("norm-clip", [updateOf("c00", { m: one, n: other })], {
      most: 1,
    });
    assert.ok(Math.abs(sumTerms(change, "m").get(0, 0) - 0.6) < 1e-15);
    assert.ok(Math.abs(sumTerms(change, "n").get(0, 0) - 0.8) < 1e-15);
  });
});

describe("centered-clipping", () => {
  it("uses the given number of steps and the given distance", async () => {
    const got = await numberOf("centered-clipping", [1, 1, 100], { tau: 3, steps: 2 });
    assert.ok(Math.abs(got - 20 / 9) < 1e-12);
  });
});

describe("bulyan", () => {
  it("lowers f to the limit of the round and reports it", async () => {
    const { metrics } = await aggregate("bulyan", scalars(1, 2, 3, 4, 5, 6, 7, 8), {
      fraction: 0.4,
    });
    assert.deepEqual(metrics, { f: 1 });
  });
});

describe("meamed", () => {
  it("averages the K - f values closest to the median", async () => {
    // Around the median 4: 5, 3 and 1.
    assert.equal(await numberOf("meamed", [5, 1, 3, 100], { fraction: 0.25 }), 3);
  });
});

describe("mda", () => {
  const line = [0, 1, 2, 3, 10];

  it("averages the K - f clients closest together, the first of equally close ones", async () => {
    assert.equal(await numberOf("mda", line), 1.5);
    // 0, 1, 2 and 1, 2, 3 have diameter 2.
    assert.equal(await numberOf("mda", line, { fraction: 0.4 }), 1);
  });

  it("flags clients further from the others than the diameter", async () => {
    const { verdicts, metrics } = await aggregate("mda", scalars(...line), { fraction: 0.4 });
    assert.deepEqual(metrics, { f: 2 });
    assert.deepEqual(
      verdicts?.map(({ status, score, threshold }) => [status, score, threshold]),
      [
        ["benign", 2, 2],
        ["benign", 1, 2],
        ["benign", 2, 2],
        ["contaminated", 3, 2],
        ["contaminated", 10, 2],
      ],
    );
  });

  it("is rejected before the start if too many clients have to be left out", () => {
    const plugin = aggregators.get("mda") ?? assert.fail();
    const ids = Array.from({ length: 1000 }, (_, k) => `c${k}`);
    const mda = plugin.create(plugin.schema.parse({}) as never);
    mda.checkClients?.(ids, 84);
    assert.throws(() => mda.checkClients?.(ids, 85), /supports f up to 16, got 17: lower fraction/);
  });
});

describe("caf", () => {
  it("has a hand-checked number", async () => {
    // Mean 3, so the weights become 3/4, 8/9, 35/36 and 0; that weighted mean has less variance.
    const got = await numberOf("caf", [0, 1, 2, 9], { fraction: 0.25 });
    assert.ok(Math.abs(got - 51 / 47) < 1e-12, `${got}`);
  });
});

describe("monna", () => {
  const line = [0, 1, 2, 3, 10];
  const round = (updates: readonly Update[]) => ({
    round: 1,
    phase: "train",
    updates,
    rng: stream("monna"),
  });

  it("averages the K - f clients nearest to the root and flags the others", async () => {
    const options = { root: idOf(3), fraction: 0.4 };
    const { change, verdicts } = await aggregate("monna", scalars(...line), options);
    assert.ok(Math.abs(sumTerms(change).get(0, 0) - 2) < 1e-15);
    assert.deepEqual(
      verdicts?.map(({ status, score, threshold }) => [status, score, threshold]),
      [
        ["contaminated", 3, 2],
        ["benign", 2, 2],
        ["benign", 1, 2],
        ["benign", 0, 2],
        ["contaminated", 7, 2],
      ],
    );
  });

  it("keeps the first client of its first round as root, and changes nothing without it", async () => {
    const plugin = aggregators.get("monna") ?? assert.fail();
    const monna = plugin.create(plugin.schema.parse({}) as never);
    const { state } = await monna.aggregate(round(scalars(...line)));
    assert.equal(state, "c00");
    const { change } = await monna.aggregate(round(scalars(...line).slice(1)), state);
    assert.deepEqual(change, []);
  });

  it("rejects a root that is not a client", () => {
    const plugin = aggregators.get("monna") ?? assert.fail();
    const monna = plugin.create(plugin.schema.parse({ root: "c99" }) as never);
    assert.throws(() => monna.checkClients?.(["c00", "c01"], 2), /from c00 to c01, got 'c99'/);
  });
});

describe("bucketing", () => {
  it("applies the rule to the means of random buckets", async () => {
    const line = [0, 1, 2, 3, 10];
    const order = stream("robust").at("buckets").sample([0, 1, 2, 3, 4]);
    const means = [order.slice(0, 2), order.slice(2, 4), order.slice(4)].map(
      (bucket) => bucket.reduce((total, k) => total + (line[k] ?? NaN), 0) / bucket.length,
    );
    const [, middle] = means.toSorted((x, y) => x - y);
    const { change, metrics } = await aggregate("bucketing", scalars(...line), {
      rule: "coordinate-median",
    });
    assert.equal(sumTerms(change).get(0, 0), middle);
    assert.deepEqual(metrics, { f: 1, buckets: 3 });
  });

  it("is the rule itself with buckets of one client, and the mean with one bucket", async () => {
    for (const rule of ["krum", "mda", "meamed"]) {
      const options = { size: 1, rule };
      assert.equal(
        await numberOf("bucketing", [0, 1, 2, 3, 10], options),
        await numberOf(rule, [0, 1, 2, 3, 10]),
      );
    }
    const all = { size: 5, fraction: 0, rule: "trimmed-mean" };
    assert.equal(await numberOf("bucketing", [0, 1, 2, 3, 10], all), 3.2);
  });

  it("mixes buckets with their nearest ones, or mixed changes in buckets", async () => {
    // With buckets of one client: f = 1 turns 0, 1, 10 into 0.5, 0.5, 5.5.
    for (const [name, inner] of [
      ["bucketing", "nnm"],
      ["nnm", "bucketing"],
    ] as const) {
      const options = {
        fraction: 0.4,
        ...(name === "bucketing" && { size: 1 }),
        rule: { name: inner, ...(inner === "bucketing" && { size: 1 }), rule: "mean" },
      };
      const got = await numberOf(name, [0, 1, 10], options);
      assert.ok(Math.abs(got - 13 / 6) < 1e-12, `${got}`);
    }
  });

  it("rejects buckets of which half or more could be contaminated", () => {
    const faults = (name: string, options: object) =>
      aggregators
        .get(name)
        ?.schema.safeParse(options)
        .error?.issues.map(({ path, message }) => [path.join("."), message.slice(0, 37)]);
    const message = "expected fraction · size below 1/2, b";
    assert.deepEqual(faults("bucketing", { size: 3 }), [["size", message]]);
    assert.deepEqual(faults("nnm", { rule: { name: "bucketing", size: 3, rule: "krum" } }), [
      ["rule.size", message],
    ]);
    assert.equal(faults("bucketing", { size: 3, fraction: 0.1 }), undefined);
  });
});

describe("nnm", () => {
  // With f = 1, 0 and 1 become 0.5, and 10 becomes 5.5.
  const line = [0, 1, 10];
  const rules = {
    mean: 13 / 6,
    krum: 0.5,
    "geometric-median": 0.5,
    "coordinate-median": 0.5,
    "trimmed-mean": 0.5,
    // 1/2, 2/3, 13/18
    "centered-clipping": 13 / 18,
    "multi-krum": 0.5,
    "norm-clip": 0.5,
    mda: 0.5,
    // Mean 13/6: the weights become 3/4, 3/4 and 0.
    caf: 0.5,
    meamed: 0.5,
    dnc: 0.5,
    bulyan: 13 / 6,
  };
  for (const [rule, expected] of Object.entries(rules)) {
    it(`mixes, then aggregates by ${rule}`, async () => {
      const got = await numberOf("nnm", line, { fraction: 0.4, rule });
      assert.ok(Math.abs(got - expected) < 1e-5, `${got}`);
    });
  }
});

describe("dnc", () => {
  it("filters out clients at both ends in every iteration and counts how often", async () => {
    const { change, verdicts } = await aggregate("dnc", asPairs, {
      iterations: 3,
      coordinates: 10,
    });
    assert.deepEqual(
      verdicts?.flatMap(({ clientId, status, score }) =>
        status === "benign" ? [] : [[clientId, score]],
      ),
      [
        ["c03", 3],
        ["c07", 3],
      ],
    );
    near(sumTerms(change), benignMean, 1e-12);
  });

  it("samples coordinates of pairs as of their products", async () => {
    for (const iterations of [1, 4]) {
      const options = { iterations, coordinates: 5 };
      near(await globalOf("dnc", asPairs, options), await globalOf("dnc", asDense, options), 1e-10);
    }
  });
});

describe("fltrust", () => {
  const create = (options = {}) => {
    const plugin = aggregators.get("fltrust") ?? assert.fail();
    return plugin.create(plugin.schema.parse(options) as never);
  };
  const round = (updates: readonly Update[]) => ({
    round: 1,
    phase: "train",
    updates,
    rng: stream("fltrust"),
  });

  it("follows the named client at its norm and flags clients that point away", async () => {
    const { change, verdicts, metrics } = await aggregate("fltrust", scalars(-9, 2, 7, -5, 0), {
      root: idOf(1),
    });
    assert.ok(Math.abs(sumTerms(change).get(0, 0) - 2) < 1e-12);
    assert.deepEqual(
      verdicts?.map(({ status }) => status),
      ["contaminated", "benign", "benign", "contaminated", "inactive"],
    );
    assert.deepEqual(metrics, { trusted: 2 });
  });

  it("keeps the first client of its first round as root, and changes nothing in a round without it", async () => {
    const fltrust = create();
    const { state } = await fltrust.aggregate(round(scalars(1, 2, 3)));
    const { change, verdicts } = await fltrust.aggregate(round(scalars(1, 2, 3).slice(1)), state);
    assert.deepEqual([change, verdicts], [[], undefined]);
  });

  it("rejects a root that is not a client", () => {
    assert.throws(
      () => create({ root: "c99" }).checkClients?.(["c00", "c01"], 2),
      /root: expected an id from c00 to c01, got 'c99'/,
    );
  });

  it("returns the same for pairs and for their products", async () => {
    near(await globalOf("fltrust", asPairs), await globalOf("fltrust", asDense), 1e-8);
  });
});
