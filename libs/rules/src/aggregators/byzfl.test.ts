import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { item } from "@fedclair/linalg";
import {
  averageBuckets,
  caf,
  centeredClip,
  coordinateMedian,
  geometricMedian,
  mda,
  meamed,
  mean,
  mixNearestNeighbours,
  monna,
  multiKrum,
  trimmedMean,
  type Vector,
} from "./vectors.js";

type Numbers = readonly number[];

/** A case written by scripts/byzfl-cases.py: vectors, and the result of each of ByzFL's rules. */
interface Case {
  readonly f: number;
  readonly tau: number;
  readonly vectors: readonly Numbers[];
  readonly mean: Numbers;
  readonly median: Numbers;
  readonly trimmedMean: Numbers;
  readonly krum: Numbers;
  readonly multiKrum: Numbers;
  readonly geometricMedian: Numbers;
  readonly centeredClipping: Numbers;
  readonly mda: Numbers;
  readonly monna: Numbers;
  readonly meamed: Numbers;
  readonly caf: Numbers;
  readonly nnm: readonly Numbers[];
  readonly nnmTrimmedMean: Numbers;
  readonly bucketing: {
    readonly size: number;
    readonly order: Numbers;
    readonly means: readonly Numbers[];
  };
}

const fixture = new URL("../../../fixtures/aggregators/byzfl.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, "utf8")) as { readonly cases: readonly Case[] };

/** The share of the values that ⌊β·K⌋ = f leaves out. */
const shareOf = ({ f, vectors }: Case) => (f + 0.5) / vectors.length;

const vectorOf = async (selection: Promise<{ readonly vector: Vector }>) =>
  (await selection).vector;

type Rule = keyof Omit<Case, "f" | "tau" | "vectors" | "bucketing" | "nnm">;

/** Our rules, with the options that make them ByzFL's. */
const rules: Readonly<Record<Rule, (x: readonly Vector[], c: Case) => Promise<Vector>>> = {
  mean: (x) => mean(x),
  median: (x) => coordinateMedian(x),
  trimmedMean: (x, c) => trimmedMean(x, shareOf(c)),
  // ByzFL sums the distances to K - f - 1 neighbours. Blanchard et al. define K - f - 2.
  krum: (x, { f }) => vectorOf(multiKrum(x, f - 1, 1)),
  multiKrum: (x, { f }) => vectorOf(multiKrum(x, f - 1, x.length - f)),
  geometricMedian: (x) => geometricMedian(x, 0.1),
  centeredClipping: (x, { tau }) => centeredClip(x, tau, 3),
  mda: (x, { f }) => vectorOf(mda(x, f)),
  monna: (x, { f }) => vectorOf(monna(x, f, 1)),
  meamed: (x, { f }) => meamed(x, f),
  caf: (x, { f }) => caf(x, f),
  nnmTrimmedMean: async (x, c) => trimmedMean(await mixNearestNeighbours(x, c.f), shareOf(c)),
};

describe("ByzFL 0.0.11 on the same updates", () => {
  const vectorsOf = ({ vectors }: Case) => vectors.map((v) => Float64Array.from(v));

  for (const [name, rule] of Object.entries(rules)) {
    it(`gives the same ${name}`, async () => {
      for (const c of cases) assertNear(await rule(vectorsOf(c), c), c[name as Rule]);
    });
  }

  it("mixes nearest neighbours in the same way", async () => {
    for (const c of cases) {
      const mixed = await mixNearestNeighbours(vectorsOf(c), c.f);
      c.nnm.forEach((expected, i) => {
        assertNear(item(mixed, i), expected);
      });
    }
  });

  it("averages the same buckets in the same way", async () => {
    for (const c of cases) {
      const { size, order, means } = c.bucketing;
      const averaged = await averageBuckets(vectorsOf(c), order, size);
      assert.equal(averaged.length, means.length);
      means.forEach((expected, i) => {
        assertNear(item(averaged, i), expected);
      });
    }
  });
});

function assertNear(got: Vector, expected: Numbers): void {
  assert.equal(got.length, expected.length);
  expected.forEach((x, i) => {
    const error = Math.abs(item(got, i) - x);
    assert.ok(error <= 1e-9 * Math.max(1, Math.abs(x)), `${item(got, i)}, expected ${x}`);
  });
}
