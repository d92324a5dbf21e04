import assert from "node:assert/strict";
import type { Verdict } from "@fedclair/core";
import { Matrix, stream, thinQr, item, at } from "@fedclair/linalg";
import { findWarning } from "../screening.js";
import { fabricators, panels, simulate } from "../../testing/institutions.js";
import { guardScores } from "./family-guard.js";
import { detectOutsiders, type NoisyMatrix } from "./subspace-detector.js";

const seeds = Array.from({ length: 12 }, (_, i) => i + 1);

function first(count: number): number[] {
  return Array.from({ length: count }, (_, c) => c);
}

describe("the subspace detector", () => {
  it("flags matrices that leave an exact subspace, however large they are", () => {
    const rng = stream("exact");
    const basis = thinQr(new Matrix(8, 2, rng.normals(16))).q;
    const matrices = first(9).map((c): NoisyMatrix => {
      const inside = new Matrix(8, 3);
      const weights = new Matrix(2, 3, rng.normals(6));
      for (let j = 0; j < 3; j++) {
        for (let i = 0; i < 8; i++) {
          inside.data[i + 8 * j] =
            basis.get(i, 0) * weights.get(0, j) + basis.get(i, 1) * weights.get(1, j);
        }
      }
      return { matrix: c === 4 ? new Matrix(8, 3, rng.normals(24, 1000)) : inside, noise: 1e-12 };
    });
    const { rank, flagged } = detectOutsiders(matrices);
    assert.equal(rank, 2);
    assert.deepEqual(flagged.map(Number), [0, 0, 0, 0, 1, 0, 0, 0, 0]);
  });

  it("flags exactly five of twenty, and pooling the others recovers alpha and tau", () => {
    const runs = seeds.slice(0, 10).map((seed) => simulate(seed, 20, fabricators(5)));
    const exact = runs.filter(
      ({ outside, odd }) => [...outside, ...odd].join() === first(5).join(),
    );
    assert.ok(exact.length >= 9, `${exact.length} of 10`);
    assert.ok(runs.every(({ detection }) => detection.rank === 3));
    for (const { robust, naive } of runs) {
      robust.forEach((fit, j) => {
        const { alpha = NaN, tau = NaN } = panels[j] ?? {};
        const error = Math.abs(fit.alpha - alpha);
        assert.ok(
          error <= 0.1 * alpha && Math.abs(fit.tau - tau) <= 0.03,
          `${fit.alpha} ${fit.tau}`,
        );
        if (alpha === 4) assert.ok(error < Math.abs(item(naive, j).alpha - alpha) / 3);
      });
    }
  });

  it("flags no one if all institutions are benign", () => {
    const clean = seeds.filter((seed) => {
      const { outside, odd } = simulate(seed, 10, []);
      return outside.length + odd.length === 0;
    });
    assert.ok(clean.length >= 11, `${clean.length} of 12`);
  });

  it("leads to a warning with eight contaminated of twenty, but not with five", () => {
    const warned = (fabricating: number) =>
      seeds.filter((seed) => {
        const { residuals, flagged, threshold } = simulate(
          seed,
          20,
          fabricators(fabricating),
        ).detection;
        const verdicts = flagged.map((outside, c): Verdict => ({
          clientId: `c${c}`,
          status: outside ? "contaminated" : "benign",
          pooled: !outside,
          score: at(residuals, c),
          threshold,
        }));
        return findWarning(verdicts) !== undefined;
      }).length;
    const [eight, five] = [warned(8), warned(5)];
    assert.ok(eight >= 11, `${eight} of 12`);
    assert.ok(five <= 1, `${five} of 12`);
  });

  it("misses some of eight of twenty, which the guard then flags", () => {
    const runs = seeds.slice(0, 6).map((seed) => simulate(seed, 20, fabricators(8)));
    assert.ok(runs.every(({ outside }) => outside.length < 8));
    const found = runs.filter(
      ({ outside, odd }) => [...outside, ...odd].sort((a, b) => a - b).join() === first(8).join(),
    );
    assert.ok(found.length >= 5, `${found.length} of 6`);
  });
});

describe("the family guard", () => {
  it("separates evaluations with alpha = 0.3 from the others by a wide margin", () => {
    const { model, moments } = simulate(3, 20, ["inside", "inside", "inside"]);
    const scores = guardScores(model, moments);
    assert.ok(Math.min(...scores.slice(0, 3)) > 15, scores.join(" "));
    assert.ok(Math.max(...scores.slice(3)) < 4, scores.join(" "));
  });

  it("scores panels that no evaluation fits as infinite and ignores withheld ones", () => {
    const { model, moments } = simulate(4, 5, []);
    const [one, ...rest] = moments;
    assert.ok(one !== undefined);
    const odd = { ...one, matrix: one.matrix.scale(-30) };
    assert.equal(guardScores(model, [odd, ...rest])[0], Infinity);
    const counts = Float64Array.of(0, 0, one.counts[2] ?? 0, 0);
    const partial = guardScores(model, [{ ...one, counts }, ...rest])[0];
    assert.ok(partial !== undefined && partial >= 0 && partial < 10);
  });
});
