import { toDense, type Update } from "@fedclair/core";
import { frobenius, gaussian, Matrix, multiply, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import type { Factors } from "@fedclair/rules";
import { distance, idsOf, refinedMatrix, sinTheta } from "../testing/measure.js";
import { idOf, randomBasis, updateOf } from "@fedclair/rules/testing";
import { clair, clairSchema, refine } from "./index.js";
import { compressLowRank } from "./refine/pairs.js";

const root = stream("edge cases");
const basis = randomBasis(root.at("U"), 8, 2);
const benign = (k: number) => multiply(basis, gaussian(root.at("benign", k), 2, 6));
const bad = gaussian(root.at("bad"), 8, 6);
const options = clairSchema.parse({ rule: "gap", rank: 2 });
const round = (...changes: (Matrix | Factors)[]) => changes.map((m, k) => updateOf(idOf(k), { m }));
const statuses = async (updates: readonly Update[], config = options) =>
  [...(await clair(updates, config)).status.values()].join(" ");

describe("the active clients of clair", () => {
  it("exclude updates that are not finite, too large, or of another shape or name", async () => {
    const spoil = (value: number) => {
      const x = benign(9);
      x.data[3] = value;
      return x;
    };
    const updates = [
      ...round(
        spoil(NaN),
        spoil(-Infinity),
        spoil(1e101),
        gaussian(root, 6, 8),
        { b: gaussian(root, 8, 2), a: gaussian(root, 3, 6) },
        bad,
        ...[1, 2, 3, 4].map(benign),
      ),
      updateOf("other", { n: benign(5) }),
    ];
    assert.equal(
      await statuses(updates),
      "invalid invalid invalid invalid invalid contaminated benign benign benign benign invalid",
    );
  });

  it("get the same verdicts by evidence at any scale, even where squares overflow or vanish", async () => {
    const common = benign(0);
    const near = (k: number) => {
      const own = gaussian(root.at("near", k), 8, 6, 0.2);
      return new Matrix(
        8,
        6,
        own.data.map((x, i) => x + (common.data[i] ?? NaN)),
      );
    };
    const clients = [bad.scale(9), ...Array.from({ length: 11 }, (_, k) => near(k))];
    const by = clairSchema.parse({ rank: 1, rule: "evidence" });
    const expected = await statuses(round(...clients), by);
    assert.match(expected, /^contaminated( benign| undecided){11}$/);
    for (const scale of [1e-120, 1e90]) {
      assert.equal(await statuses(round(...clients.map((x) => x.scale(scale))), by), expected);
    }
  });

  it("exclude factors with a product that overflows", async () => {
    const huge = { b: gaussian(root, 8, 2, 1e99), a: gaussian(root, 2, 6, 1e99) };
    assert.equal(
      await statuses(round(benign(1), benign(2), benign(3), huge)),
      "undecided undecided undecided invalid",
    );
  });

  it("exclude a client that changed next to nothing, which is inactive and not contaminated", async () => {
    const idle = bad.scale(1e-13);
    const updates = round(new Matrix(8, 6), idle, benign(1), benign(2), benign(3));
    assert.equal(await statuses(updates), "inactive inactive undecided undecided undecided");
  });

  it("are not judged by a module that they did not change", async () => {
    const updates = [1, 2, 3, 4].map((k) =>
      updateOf(idOf(k), { m: benign(k), n: k === 1 ? new Matrix(8, 6) : benign(k + 4) }),
    );
    assert.equal(await statuses(updates), "undecided undecided undecided undecided");
  });

  it("need matrices", async () => {
    const bias: Update = {
      clientId: "c00",
      numExamples: 1,
      delta: new Map([["bias", { shape: [3], data: Float64Array.of(1, 2, 3) }]]),
      metrics: {},
    };
    await assert.rejects(
      clair([bias], options),
      /clair compares matrices, but module bias has shape 3:/,
    );
  });
});

describe("clair with few clients", () => {
  it("flags no client among none, one or two", async () => {
    for (const updates of [[], round(bad), round(bad, benign(1))]) {
      const result = await clair(updates, options);
      assert.equal(result.canFlag, false);
      assert.equal(idsOf(result, "benign").length, updates.length);
      assert.equal((await refine(result, options)).size, updates.length > 0 ? 1 : 0);
    }
  });

  it("flags one bad client among three", async () => {
    const result = await clair(round(benign(1), bad, benign(2)), options);
    assert.equal(result.canFlag, true);
    assert.deepEqual(idsOf(result, "contaminated"), ["c01"]);
    assert.ok(sinTheta(basis, result.spaces.get("m")?.left) < 1e-8);
  });

  it("reports undecided by evidence for fewer than six, even if a space fits most of them", async () => {
    const config = clairSchema.parse({ rank: 2, rule: "evidence" });
    for (const benignCount of [1, 4]) {
      const updates = round(bad, ...[1, 2, 3, 4].slice(0, benignCount).map(benign));
      const { canFlag: detection, status, verdicts } = await clair(updates, config);
      assert.equal(detection, false);
      assert.deepEqual([...status.values()], Array(benignCount + 1).fill("undecided"));
      assert.equal(
        verdicts.get("c00")?.reason,
        `too few clients: ${benignCount + 1} of at least 6`,
      );
    }
  });

  it("returns equal updates unchanged, centred or not", async () => {
    for (const centered of [false, true]) {
      for (const rank of [2, "auto"] as const) {
        const config = clairSchema.parse({ rule: "gap", rank, centered });
        const result = await clair(round(bad, bad, bad, bad, bad), config);
        assert.equal(idsOf(result, "benign").length, 5);
        const refined = (await refine(result, config)).get("m");
        assert.ok(distance(refinedMatrix(refined, "c03"), bad) < 1e-10);
      }
    }
  });

  it("reports everyone as inactive if no client changed anything", async () => {
    const updates = round(new Matrix(8, 6), new Matrix(8, 6), new Matrix(8, 6));
    assert.equal(await statuses(updates), "inactive inactive inactive");
  });
});

describe("clair's options", () => {
  const updates = round(...[1, 2, 3, 4, 5].map(benign), bad);

  it("flags the bad client with rule gap", async () => {
    const config = clairSchema.parse({ rank: 2, rule: "gap" });
    assert.deepEqual(idsOf(await clair(updates, config), "contaminated"), ["c05"]);
  });

  it("bounds what one client adds to the others' part outside the space", async () => {
    // No client is flagged, so the sixth client's huge part outside the space would go to everyone.
    const huge = round(
      ...[1, 2, 3, 4, 5].map((k) => {
        const x = benign(k);
        x.data[0] = (x.data[0] ?? 0) + 0.01;
        return x;
      }),
      bad.scale(1e6),
    );
    const config = clairSchema.parse({ rank: 2, rule: "gap", minBenignFraction: 1 });
    const shared = (await refine(await clair(huge, config), config)).get("m")?.shared;
    assert.ok(shared !== undefined);
    // Without a bound its norm would be above 1e5.
    assert.ok(frobenius(toDense(shared)) < 0.1);
  });
});

describe("compressLowRank", () => {
  it("keeps the leading part and returns the discarded share of the energy", () => {
    // Singular values 3 and 4: rank 1 keeps 16 of 25.
    const b = Matrix.fromRows([
      [3, 0],
      [0, 4],
      [0, 0],
    ]);
    const { b: left, a: right, tail } = compressLowRank(b, Matrix.identity(2), 1);
    assert.deepEqual([left.cols, right.rows], [1, 1]);
    assert.ok(Math.abs(tail - 9 / 25) < 1e-15);
    assert.ok(
      distance(
        multiply(left, right),
        Matrix.fromRows([
          [0, 0],
          [0, 4],
          [0, 0],
        ]),
      ) < 1e-14,
    );
  });

  it("is exact at full rank, and for zero matrices", () => {
    const b = gaussian(root, 7, 3);
    const a = gaussian(root, 3, 5);
    const whole = compressLowRank(b, a, 9);
    assert.ok(distance(multiply(whole.b, whole.a), multiply(b, a)) < 1e-13);
    assert.equal(whole.tail, 0);
    assert.equal(compressLowRank(new Matrix(4, 2), new Matrix(2, 3), 1).tail, 0);
  });
});
