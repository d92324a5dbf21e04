import { addScaled, gaussian, Matrix, multiply, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { idOf, randomBasis, updateOf } from "@fedclair/rules/testing";
import { clairAggregator, clairSchema } from "../index.js";

const size = { p: 24, q: 16, r: 3, clients: 20, contaminated: 6 };

/**
 * Runs a round in which benign clients send U·C_k plus noise and share the part `common` of their
 * coefficients. The first six send theirs times `factor`, so that everyone stays inside the space.
 */
async function verdicts(common: number, factor: number, screens: readonly string[], seed = 1) {
  const rng = stream("screens").at(seed);
  const { p, q, r } = size;
  const basis = randomBasis(rng.at("U"), p, r);
  const shared = gaussian(rng.at("C"), r, q, Math.sqrt(common / q));
  const updates = Array.from({ length: size.clients }, (_, k) => {
    const own = rng.at("client", k);
    const coefficients = gaussian(own, r, q, Math.sqrt((1 - common) / q));
    addScaled(coefficients, 1, shared);
    const x = multiply(basis, coefficients);
    addScaled(x, 1, gaussian(own, p, q, 0.02));
    return updateOf(idOf(k), { m: k < size.contaminated ? x.scale(factor) : x });
  });
  const aggregator = clairAggregator.create(
    clairSchema.parse({ rule: "gap", rank: r, screens }) as never,
  );
  const input = { round: 1, phase: "train", updates, rng: rng.at("order") };
  const aggregate = await aggregator.aggregate(input);
  const flagged = (aggregate.verdicts ?? []).filter(({ status }) => status === "contaminated");
  return { aggregate, flagged };
}

const firstSix = Array.from({ length: 6 }, (_, k) => idOf(k));

describe("the screens of clair", () => {
  it("flag sign flips and huge updates inside the space, which the score cannot", async () => {
    for (const [factor, screen, reason] of [
      [-1, "direction", /^cosine inside the space -0\.\d\d$/],
      [20, "norm", /^norm inside the space \d+\.\d × the median$/],
    ] as const) {
      assert.deepEqual((await verdicts(0.9, factor, [])).flagged, []);
      const { flagged, aggregate } = await verdicts(0.9, factor, [screen]);
      assert.deepEqual(
        flagged.map(({ clientId }) => clientId),
        firstSix,
      );
      for (const verdict of flagged) assert.match(verdict.reason ?? "", reason);
      // Flagged clients are excluded from the mean and get nothing shared.
      assert.equal(aggregate.personal?.get("c00")?.length, 1);
      assert.equal(aggregate.personal.get("c06")?.length, 2);
    }
  });

  it("do not flag clients that have much in common", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      assert.deepEqual((await verdicts(0.9, 1, ["norm", "direction"], seed)).flagged, []);
    }
  });

  it("are skipped for fewer than three clients", async () => {
    const aggregator = clairAggregator.create(
      clairSchema.parse({ rule: "gap", rank: 1, screens: ["direction"] }) as never,
    );
    const updates = [1, -1].map((sign, k) =>
      updateOf(idOf(k), { m: Matrix.identity(3).scale(sign) }),
    );
    const { verdicts } = await aggregator.aggregate({
      round: 1,
      phase: "train",
      updates,
      rng: stream(1),
    });
    assert.deepEqual(
      verdicts?.map(({ status, reason }) => [status, reason]),
      Array(2).fill(["undecided", "too few clients: 2 of at least 3"]),
    );
  });
});
