import { toDense, isLowRank } from "@fedclair/core";
import { addScaled, frobenius, gaussian, hstack, Matrix, multiply, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { toFactors, product } from "@fedclair/rules";
import { distance, refinedMatrix } from "../../testing/measure.js";
import { idOf, randomBasis, updateOf } from "@fedclair/rules/testing";
import { clair, clairSchema, refine, refineToPairs } from "../index.js";
import { compressLowRank } from "./pairs.js";

const rng = stream("pairs");
const u = randomBasis(rng.at("U"), 14, 2);
/** Seven benign clients of LoRA ranks 2 and 3. */
const updates = Array.from({ length: 7 }, (_, k) => {
  const own = rng.at(k);
  const rank = 2 + (k % 2);
  const b = multiply(u, gaussian(own, 2, rank));
  addScaled(b, 1, gaussian(own, 14, rank, 0.2));
  return updateOf(idOf(k), { m: { b, a: gaussian(own, rank, 11) } });
});

function sum(x: Matrix, y = x): Matrix {
  const out = x.copy();
  addScaled(out, 1, y);
  return out;
}

function squared(x: Matrix | undefined): number {
  return frobenius(x ?? new Matrix(0, 0)) ** 2;
}

async function refined(set: object) {
  const options = clairSchema.parse({ rank: 2, rule: "gap", minBenignFraction: 1, ...set });
  const result = await clair(updates, options);
  const module = (await refine(result, options)).get("m");
  const pairs = (await refineToPairs(result, options)).get("m");
  assert.ok(module !== undefined && pairs?.size === 7);
  return { module, pairs };
}

describe("refined changes as pairs", () => {
  for (const side of ["left", "right", "both"]) {
    it(`are the best of the clients' own ranks: side ${side}`, async () => {
      const { module, pairs } = await refined({ side });
      const { personal, shared } = module;
      assert.ok(shared !== undefined && isLowRank(shared));
      for (const [k, id] of [...personal.keys()].entries()) {
        const own = personal.get(id);
        const { pair, tail } = pairs.get(id) ?? {};
        assert.ok(own !== undefined && isLowRank(own) && pair !== undefined);
        const terms = [own, shared].map(toFactors);
        assert.deepEqual(
          [pair.b.shape, pair.a.shape],
          [
            [14, 2 + (k % 2)],
            [2 + (k % 2), 11],
          ],
        );
        const b = hstack(terms.map((term) => term.b));
        const a = hstack(terms.map((term) => term.a.transpose())).transpose();
        const best = compressLowRank(b, a, 2 + (k % 2));
        assert.ok(distance(toDense(pair), product(best)) < 1e-12);
        assert.ok(Math.abs((tail ?? NaN) - best.tail) < 1e-12);
      }
    });
  }

  it("lose nothing of a module that most clients did not train and whose shared part is clipped to nothing", async () => {
    const few = updates.map(({ clientId }, k) => {
      const b = k < 5 ? new Matrix(14, 3) : multiply(u, gaussian(rng.at("few", k), 2, 3));
      if (k >= 5) addScaled(b, 1, gaussian(rng.at("off", k), 14, 3, 0.2));
      const a = gaussian(rng.at("a", k), 3, 11);
      return updateOf(clientId, { m: { b, a }, n: { b: u, a: gaussian(rng.at("n", k), 2, 11) } });
    });
    const options = clairSchema.parse({ rank: 2, rule: "gap", minBenignFraction: 1 });
    const result = await clair(few, options);
    const module = (await refine(result, options)).get("m");
    const { pair } = (await refineToPairs(result, options)).get("m")?.get("c06") ?? {};
    assert.ok(pair !== undefined);
    assert.ok(distance(toDense(pair), refinedMatrix(module, "c06")) < 1e-12);
  });

  for (const uneven of [0, 0.5]) {
    it(`gain as much as the error outside exceeds the least error: lengths 1 ± ${uneven}`, async () => {
      const [clients, p, q] = [12, 30, 20];
      const space = randomBasis(rng.at("gain U"), p, 2);
      const common = gaussian(rng.at("common"), p, q, 0.3);
      const truths = Array.from({ length: clients }, (_, k) => {
        const truth = multiply(space, gaussian(rng.at("gain", k), 2, q, 3));
        addScaled(truth, k % 2 === 0 ? 1 + uneven : 1 - uneven, common);
        addScaled(truth, 1, gaussian(rng.at("personal", k), p, q, k < 6 ? 0.1 : 0.5));
        return truth;
      });
      const errors = truths.map((_, k) => gaussian(rng.at("error", k), p, q, 0.3));
      const eye = Matrix.identity(q);
      const sent = truths.map((truth, k) =>
        updateOf(idOf(k), { m: { b: sum(truth, errors[k]), a: eye } }),
      );
      const result = await clair(
        sent,
        clairSchema.parse({ rank: 2, rule: "gap", minBenignFraction: 1 }),
      );
      const options = clairSchema.parse({ rank: 2, rule: "evidence" });
      const pairs = (await refineToPairs(result, options)).get("m");
      const gains = truths.map((truth, k) => {
        const { pair, outside, leastError } = pairs?.get(idOf(k)) ?? {};
        assert.ok(pair !== undefined && outside !== undefined && leastError !== undefined);
        const gained = squared(errors[k]) - distance(toDense(pair), truth) ** 2;
        // The expected error outside the space: 28 of 30 dimensions.
        return { gained, excess: (28 / 30) * squared(errors[k]) - leastError };
      });
      gains.forEach(({ gained, excess }, k) => {
        const expected = 2 * (1 - 1 / clients) * excess;
        assert.ok(Math.abs(gained - expected) < 0.35 * squared(errors[k]), `${gained} ${expected}`);
        // Six clients learnt little of their own outside the space, and six learnt much.
        assert.equal(excess > 0, k < 6);
      });
    });
  }

  it("are rejected for dense changes", async () => {
    const options = clairSchema.parse({ rule: "gap", rank: 1 });
    const dense = [1, 2, 3].map((k) =>
      updateOf(idOf(k), { m: gaussian(rng.at("dense", k), 4, 5) }),
    );
    const result = await clair(dense, options);
    await assert.rejects(refineToPairs(result, options), TypeError);
  });
});
