import assert from "node:assert/strict";
import {
  addScaled,
  frobenius,
  gaussian,
  indices,
  item,
  Matrix,
  multiply,
  stream,
} from "@fedclair/linalg";
import { randomBasis, updateOf } from "@fedclair/rules/testing";
import { clair } from "../clair.js";
import { clairSchema } from "../options.js";
import { findNoiseSpread, measureResiduals } from "./residuals.js";

describe("measureResiduals", () => {
  it("relates the energy outside the space to the usual one, by module", () => {
    // Three clients of norms 1, 1 and 2 with a fifth, a fifth and a half of their energy outside.
    const energies = [{ inside: Float64Array.of(4, 8, 1), outside: Float64Array.of(1, 2, 1) }];
    const gram = Matrix.fromRows([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    const found = measureResiduals(energies, [gram], [1, 1, 2], [[5, 3]], [1]);
    assert.equal(found?.degrees, 12);
    [1, 1, 10].forEach((x, k) => {
      assert.ok(Math.abs((found.energies[k] ?? NaN) - x) < 1e-12);
    });
    const none = [{ inside: Float64Array.of(1, 1, 1), outside: Float64Array.of(0, 0, 1) }];
    assert.equal(measureResiduals(none, [gram], [1, 1, 2], [[5, 3]], [1]), undefined);
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

  it("is √(2/ν) for noise, or what the least half shows, also if fewer have more outside", () => {
    const clean = energiesOf(() => 1);
    assert.equal(findNoiseSpread({ energies: clean, degrees: 200 }), 0.1);
    const energies = energiesOf((k) => (k < 8 ? 1.5 : 1));
    const spread = findNoiseSpread({ energies, degrees: 200 }) ?? NaN;
    assert.ok(spread > 0.1 && spread < 0.13, String(spread));
    // The law of half as many directions is wider than what these clients show.
    assert.equal(findNoiseSpread({ energies, degrees: 100 }), Math.sqrt(2 / 100));
  });

  it("is unknown for fewer than nineteen clients, which cannot show it", () => {
    const energies = energiesOf(() => 1).subarray(0, 18);
    assert.equal(findNoiseSpread({ energies, degrees: 200 }), undefined);
  });

  it("is unknown for clients with noise of their own sizes", () => {
    const energies = energiesOf((k) => 1 + k / 20);
    assert.equal(findNoiseSpread({ energies, degrees: 200 }), undefined);
  });
});

describe("rule evidence where the residual is noise", () => {
  const [p, q, rank, noise, clients, masked] = [24, 16, 3, 0.02, 20, 6];

  /** Clients in one space, the last six of which also carry a change of a size outside it. */
  const judge = async (distance: number, draw: number) => {
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
  const exact = indices(masked).map((i) => clients - masked + i);

  it("finds exactly the contaminated clients at distance 0.4, as a test that knows the space", async () => {
    const found = await Promise.all(indices(6).map((draw) => judge(0.4, draw)));
    const right = found.filter((set) => set.join() === exact.join());
    assert.ok(right.length >= 5, JSON.stringify(found));
  });

  it("flags nobody without contaminated clients", async () => {
    const found = await Promise.all(indices(6).map((draw) => judge(0, draw)));
    assert.deepEqual(found.flat(), []);
    assert.equal(item(exact, 0), 14);
  });
});
