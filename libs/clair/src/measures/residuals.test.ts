import assert from "node:assert/strict";
import {
  addScaled,
  frobenius,
  gaussian,
  indices,
  Matrix,
  multiply,
  stream,
} from "@fedclair/linalg";
import { randomBasis, updateOf } from "@fedclair/rules/testing";
import { clair } from "../clair.js";
import { clairSchema } from "../options.js";
import { countDirections, findNoiseSpread, listLeastHalf, measureResiduals } from "./residuals.js";

describe("measureResiduals", () => {
  it("relates the energy outside the space to the usual one, by module", () => {
    // Three clients of norms 1, 1 and 2 with a fifth, a fifth and a half of their energy outside.
    const energies = [{ inside: Float64Array.of(4, 8, 1), outside: Float64Array.of(1, 2, 1) }];
    const gram = Matrix.identity(3);
    const found = measureResiduals(energies, [gram], [1, 1, 2], [[5, 3]], [1]);
    assert.deepEqual(found?.dimensions, [12]);
    [1, 1, 10].forEach((x, k) => {
      assert.ok(Math.abs((found.energies[k] ?? NaN) - x) < 1e-12);
    });
    const none = [{ inside: Float64Array.of(1, 1, 1), outside: Float64Array.of(0, 0, 1) }];
    assert.equal(measureResiduals(none, [gram], [1, 1, 2], [[5, 3]], [1]), undefined);
  });
});

describe("listLeastHalf", () => {
  it("lists the clients of least energy, the least first", () => {
    assert.deepEqual(listLeastHalf(Float64Array.of(3, 1, 5, 2, 4)), [1, 3, 0]);
  });
});

describe("countDirections", () => {
  const none = new Matrix(3, 3);

  it("is one over the mean squared cosine between residuals", () => {
    // Without anything inside; cosines of ½, ½ and 0 between clients of norms 1, 2 and 3.
    const gram = Matrix.fromRows([
      [1, 1 / 2, 1 / 2],
      [1 / 2, 1, 0],
      [1 / 2, 0, 1],
    ]);
    const many = { dimensions: [90], usual: [4] };
    assert.ok(Math.abs(countDirections([gram], [none], [1, 2, 3], many) - 6) < 1e-12);
    // Of a half inside that is the same for all, the rest of the second and third is opposite.
    const inside = Matrix.fromRows([
      [1 / 2, 1 / 2, 1 / 2],
      [1 / 2, 1 / 2, 1 / 2],
      [1 / 2, 1 / 2, 1 / 2],
    ]);
    assert.ok(Math.abs(countDirections([gram], [inside], [1, 1, 1], many) - 3) < 1e-12);
  });

  it("is at most the number of dimensions, however small cosines are by chance", () => {
    const few = { dimensions: [4, 5], usual: [1, 1] };
    const grams = [Matrix.identity(3), Matrix.identity(3)];
    assert.equal(countDirections(grams, [none, none], [1, 1, 1], few), 9);
  });
});

describe("findNoiseSpread", () => {
  const rng = stream("noise");
  /** Sums of 200 squares, each client with noise of its own size. */
  const energiesOf = (sizeOf: (k: number) => number) =>
    Float64Array.from(indices(20), (k) => {
      const draws = rng.at(k).normals(200);
      return draws.reduce((total, x) => total + (sizeOf(k) * x) ** 2, 0) / 200;
    });

  it("is √(2/9ν) for noise, or what the least half shows, also if fewer have more outside", () => {
    const law = Math.sqrt(2 / 9 / 200);
    const clean = energiesOf(() => 1);
    assert.equal(findNoiseSpread({ energies: clean, directions: 200 }), law);
    const energies = energiesOf((k) => (k < 8 ? 1.5 : 1));
    const spread = findNoiseSpread({ energies, directions: 200 }) ?? NaN;
    assert.ok(spread > law && spread < 1.3 * law, String(spread));
    // The law of half as many directions is wider than what these clients show.
    assert.equal(findNoiseSpread({ energies, directions: 100 }), Math.sqrt(2 / 9 / 100));
  });

  it("is unknown for clients with noise of their own sizes", () => {
    const energies = energiesOf((k) => 1 + k / 20);
    assert.equal(findNoiseSpread({ energies, directions: 200 }), undefined);
  });
});

/** Numbers of clients, and of contaminated ones among them. */
type Federation = readonly [clients: number, masked: number];
const federations: readonly Federation[] = [
  [10, 3],
  [20, 6],
];

describe("rule evidence where the residual is noise", () => {
  const [p, q, rank, noise] = [24, 16, 3, 0.02];

  /** Clients in one space; the last ones also carry a change of a size outside it. */
  const judge = async ([clients, masked]: Federation, distance: number, draw: number) => {
    const rng = stream("masked").at(draw);
    const basis = randomBasis(rng.at("space"), p, rank);
    const updates = indices(clients).map((k) => {
      const x = multiply(basis, gaussian(rng.at("own", k), rank, q, 1 / Math.sqrt(rank * q)));
      addScaled(x, noise, gaussian(rng.at("noise", k), p, q));
      if (k >= clients - masked) {
        const other = gaussian(rng.at("other", k), p, q);
        addScaled(x, distance / frobenius(other), other);
      }
      return updateOf(`c${k}`, { w: x });
    });
    const { status, modules } = await clair(updates, clairSchema.parse({}));
    modules.close();
    return updates.flatMap(({ clientId }, k) =>
      status.get(clientId) === "contaminated" ? [k] : [],
    );
  };
  for (const federation of federations) {
    const [clients, masked] = federation;
    const exact = indices(masked).map((i) => clients - masked + i);

    it(`finds exactly ${masked} of ${clients} at distance 0.4, as a test that knows the space`, async () => {
      const found = await Promise.all(indices(6).map((draw) => judge(federation, 0.4, draw)));
      const right = found.filter((set) => set.join() === exact.join());
      assert.ok(right.length >= 5, JSON.stringify(found));
    });

    it(`flags nobody of ${clients} without contaminated clients`, async () => {
      const found = await Promise.all(indices(6).map((draw) => judge(federation, 0, draw)));
      assert.deepEqual(found.flat(), []);
    });
  }
});
