import assert from "node:assert/strict";
import { UserError } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import fc from "fast-check";
import { withFeatureNoise } from "./feature-noise.js";
import { checkValue } from "@fedclair/core/internal";
import { partitionSchema } from "./options.js";
import { checkPartition, drawPart, partition, type SplitChoice } from "./partition.js";

const rng = stream("partition test");
const parse = (choice: object) => partitionSchema.parse(choice) as SplitChoice;

/** `count` labels 0 … classes - 1 in turn. */
function createLabels(count: number, classes = 10) {
  return { labels: Int32Array.from({ length: count }, (_, i) => i % classes) };
}

/** Counts how many samples there are in each class. */
function countLabels(samples: Int32Array, classes = 10): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const i of samples) counts[i % classes] = (counts[i % classes] ?? 0) + 1;
  return counts;
}

const choices: fc.Arbitrary<SplitChoice> = fc.oneof(
  fc.constant(parse({ by: "iid" })),
  fc
    .record({
      alpha: fc.double({ min: 1e-3, max: 100, noNaN: true }),
      minimum: fc.integer({ min: 1, max: 4 }),
    })
    .map((options) => parse({ by: "dirichlet", ...options })),
  fc.integer({ min: 1, max: 4 }).map((perClient) => parse({ by: "shards", perClient })),
  fc
    .record({
      sigma: fc.double({ min: 0, max: 50, noNaN: true }),
      minimum: fc.integer({ min: 1, max: 4 }),
    })
    .map((options) => parse({ by: "quantity", ...options })),
);

describe("partition", () => {
  it("says of a key of another kind which kind was chosen", () => {
    const { faults } = checkValue(partitionSchema, { by: "iid", alpha: 0.1 });
    assert.deepEqual(faults, [
      "unknown key 'alpha' beside by: iid (to change that by --set, set the whole mapping); expected one of by",
    ]);
  });

  it("gives every sample to exactly one client, and each client at least the minimum", () => {
    const labels = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 40, maxLength: 120 });
    const clients = fc.integer({ min: 1, max: 10 });
    fc.assert(
      fc.property(choices, labels, clients, fc.nat(), (choice, labels, clients, seed) => {
        const parts = partition(choice, { labels }, clients, stream(seed));
        assert.equal(parts.length, clients);
        const all = parts.flatMap((part) => [...part]).sort((a, b) => a - b);
        assert.deepEqual(
          all,
          labels.map((_, i) => i),
        );
        const least = "minimum" in choice ? choice.minimum : 1;
        assert.ok(parts.every((part) => part.length >= least));
        assert.deepEqual(partition(choice, { labels }, clients, stream(seed)), parts);
      }),
    );
  });

  it("changes with the seed", () => {
    for (const by of ["iid", "dirichlet", "shards", "quantity"]) {
      const [one, two] = [1, 2].map((seed) =>
        partition(parse({ by }), createLabels(200), 4, stream(seed)),
      );
      assert.notDeepEqual(one, two, by);
    }
  });

  it("iid: sizes differ by at most one, and every part has every class", () => {
    const parts = partition(parse({ by: "iid" }), createLabels(1003), 4, rng);
    assert.deepEqual(
      parts.map((part) => part.length),
      [251, 251, 251, 250],
    );
    assert.ok(parts.every((part) => Math.min(...countLabels(part)) > 5));
  });

  it("dirichlet: parts are nearly even for a large alpha, and a small one leaves a class to one client", () => {
    const even = partition(parse({ by: "dirichlet", alpha: 1e6 }), createLabels(1000), 5, rng);
    for (const part of even) {
      assert.ok(countLabels(part).every((count) => Math.abs(count - 20) <= 1));
    }
    const uneven = partition(
      parse({ by: "dirichlet", alpha: 1e-3, minimum: 1 }),
      createLabels(1000),
      5,
      rng,
    );
    for (let label = 0; label < 10; label++) {
      assert.ok(Math.max(...uneven.map((part) => countLabels(part)[label] ?? 0)) > 90);
    }
  });

  it("dirichlet: shares have the mean 1/K and the variance (1 - 1/K)/K/(K·alpha + 1)", () => {
    const [alpha, clients, classes] = [0.5, 4, 500];
    const data = createLabels(100 * classes, classes);
    const parts = partition(parse({ by: "dirichlet", alpha, minimum: 1 }), data, clients, rng);
    const shares = parts.flatMap((part) => countLabels(part, classes).map((count) => count / 100));
    const variance =
      shares.reduce((sum, share) => sum + (share - 1 / clients) ** 2, 0) / shares.length;
    const expected = (1 - 1 / clients) / clients / (clients * alpha + 1);
    assert.ok(Math.abs(variance / expected - 1) < 0.1, `${variance} ${expected}`);
  });

  it("shards: a client has one class per shard if shards and classes coincide", () => {
    const parts = partition(parse({ by: "shards", perClient: 2 }), createLabels(1000), 5, rng);
    for (const part of parts) {
      assert.deepEqual(
        countLabels(part).filter((count) => count > 0),
        [100, 100],
      );
    }
  });

  it("quantity: log-sizes have the given standard deviation, and 0 gives equal parts", () => {
    const options = { by: "quantity", sigma: 0.5, minimum: 1 };
    const parts = partition(parse(options), createLabels(1_000_000), 400, rng);
    const logs = parts.map((part) => Math.log(part.length));
    const mean = logs.reduce((sum, log) => sum + log, 0) / 400;
    const deviation = Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / 400);
    assert.ok(Math.abs(deviation - 0.5) < 0.06, String(deviation));
    const equal = partition(parse({ ...options, sigma: 0 }), createLabels(100), 4, rng);
    assert.ok(equal.every((part) => part.length === 25));
  });

  it("natural: client k gets the samples of owner k, and those of further owners are left out", () => {
    const data = { labels: [0, 0, 0, 0, 0], owners: [1, 0, 2, 1, 0] };
    const parts = partition(parse({ by: "natural" }), data, 2, rng);
    assert.deepEqual(
      parts.map((part) => [...part].sort()),
      [
        [1, 4],
        [0, 3],
      ],
    );
    assert.throws(
      () => partition(parse({ by: "natural" }), data, 4, rng),
      (error) =>
        error instanceof UserError && /serves 3 clients.* but 4 .*lower/.test(error.message),
    );
    const gap = { labels: [0, 0, 0], owners: [0, 2, 2] };
    assert.throws(() => partition(parse({ by: "natural" }), gap, 3, rng), /owner of index 1/);
    assert.throws(() => partition(parse({ by: "natural" }), createLabels(5), 2, rng), /choose iid/);
  });

  it("reports what to change if there are too few data", () => {
    const assertRejected = (choice: object, message: RegExp) => {
      assert.throws(
        () => partition(parse(choice), createLabels(30), 31, rng),
        (error) => error instanceof UserError && message.test(error.message),
      );
    };
    assertRejected({ by: "iid" }, /30 samples .* 31 clients with 1 each: lower `clients`/);
    assertRejected({ by: "shards" }, /with 2 each: .*perClient/);
    assertRejected({ by: "dirichlet" }, /with 10 each: .*minimum/);
    assertRejected({ by: "quantity", minimum: 3 }, /with 3 each: .*minimum/);
  });

  it("lets clients draw distinct samples, each its own and the same ones every time", () => {
    const choice = partitionSchema.parse({ by: "drawn", samples: 5 });
    assert.ok(choice.by === "drawn");
    const all = [10, 11, 12, 13, 14, 15];
    const parts = Array.from({ length: 50 }, (_, k) => drawPart(choice, all, k, rng));
    for (const part of parts) {
      assert.equal(new Set(part).size, 5);
      assert.ok(part.every((sample) => all.includes(sample)));
    }
    assert.ok(new Set(parts.map(String)).size > 40);
    assert.deepEqual(drawPart(choice, all, 7, rng), parts[7]);
    checkPartition(choice, 5, 1_000_000);
    assert.throws(() => {
      checkPartition(choice, 4, 1);
    }, /4 samples do not suffice for clients with 5 each: lower `partition\.samples`/);
  });

  it("lists the available ways", () => {
    assert.throws(() => parse({ by: "class" }), /iid, dirichlet, shards, quantity, natural or/);
    assert.throws(() => parse({ by: "iid", alpha: 1 }), /alpha/);
  });
});

describe("feature noise", () => {
  it("grows from client to client, up to sigma", () => {
    const measureDeviation = (index: number) => {
      const noisy = withFeatureNoise(
        new Float32Array(10_000),
        0.5,
        { index, count: 4 },
        rng.at(index),
      );
      return Math.sqrt(noisy.reduce((sum, value) => sum + value ** 2, 0) / noisy.length);
    };
    [0.125, 0.25, 0.375, 0.5].forEach((expected, index) => {
      assert.ok(Math.abs(measureDeviation(index) / expected - 1) < 0.03);
    });
  });

  it("leaves the features unchanged at 0", () => {
    const features = Float32Array.of(1, 2);
    assert.equal(withFeatureNoise(features, 0, { index: 3, count: 4 }, rng), features);
  });
});
