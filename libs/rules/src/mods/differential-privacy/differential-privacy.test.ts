import assert from "node:assert/strict";
import {
  readNumbers,
  tensorsOf,
  type Mod,
  type Received,
  type TensorDelta,
  type Update,
} from "@fedclair/core";
import { anyUpdate, describeMod } from "@fedclair/core/testing";
import { stream } from "@fedclair/linalg";
import fc from "fast-check";
import { computeEpsilon } from "./accountant.js";
import { differentialPrivacy } from "./index.js";

const create = (options: object): Mod =>
  differentialPrivacy.create(differentialPrivacy.schema.parse(options) as never);

for (const sampling of ["known", "secret"]) {
  describeMod(differentialPrivacy, { options: { clip: 2, noiseMultiplier: 0.5, sampling } });
}
describeMod(differentialPrivacy, { options: { clip: 2, noiseMultiplier: 0 } });

/** The result that a client sends instead of these modules. */
async function sent(options: object, modules: Readonly<Record<string, TensorDelta>>, key = "c00") {
  const result = { numExamples: 70, delta: new Map(Object.entries(modules)), metrics: { loss: 3 } };
  const context = { round: 1, phase: "train", rng: stream("privacy").at(key) };
  return (await create(options).client?.(result, context)) ?? assert.fail("no client half");
}

const values = ({ delta }: Pick<Update, "delta">) =>
  [...delta.values()].flatMap(tensorsOf).flatMap((tensor) => [...readNumbers(tensor)]);
const f64 = (...data: number[]) => ({ shape: [data.length], data: Float64Array.from(data) });

describe("differential-privacy, at the client", () => {
  it("scales the whole update down to the clip, including both factors of a pair, and keeps a short one", async () => {
    const pair = {
      b: { shape: [1, 1], data: Float32Array.of(4) },
      a: { shape: [1, 1], data: Float32Array.of(2) },
    };
    // √(2² + 1² + 4² + 2²) = 5
    const modules = { vector: f64(2, -1), pair };
    const clipped = await sent({ clip: 2.5, noiseMultiplier: 0 }, modules);
    assert.deepEqual(values(clipped), [1, -0.5, 2, 1]);
    const short = await sent({ clip: 5, noiseMultiplier: 0 }, modules);
    assert.deepEqual(values(short), [2, -1, 4, 2]);
  });

  it("sends nothing else derived from the data: no metrics, one example", async () => {
    const { numExamples, metrics } = await sent({ clip: 1, noiseMultiplier: 1 }, { v: f64(1) });
    assert.deepEqual({ numExamples, metrics }, { numExamples: 1, metrics: {} });
  });

  it("never sends more than the clip, before the noise", async () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    const clip = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
    await fc.assert(
      fc.asyncProperty(fc.array(number), clip, async (numbers, clip) => {
        const result = await sent({ clip, noiseMultiplier: 0 }, { v: f64(...numbers) });
        assert.ok(Math.hypot(...values(result)) <= clip * (1 + 1e-12), values(result).join(" "));
      }),
    );
  });

  it("sends only noise instead of a non-finite update", async () => {
    for (const odd of [NaN, Infinity, -Infinity]) {
      const options = { clip: 1, noiseMultiplier: 2 };
      const result = await sent(options, { v: f64(odd, 7) });
      assert.deepEqual(result, await sent(options, { v: f64(0, 0) }));
    }
  });

  it("adds noise of noiseMultiplier · clip to every number, different for each client", async () => {
    const zeros = { v: f64(...new Array<number>(20_000).fill(0)) };
    const noise = values(await sent({ clip: 3, noiseMultiplier: 0.5 }, zeros));
    const deviation = Math.sqrt(noise.reduce((sum, x) => sum + x * x, 0) / noise.length);
    assert.ok(Math.abs(deviation - 1.5) < 0.03, `${deviation}`); // four standard errors
    const within = noise.filter((x) => Math.abs(x) < 1.5).length / noise.length;
    assert.ok(Math.abs(within - 0.6827) < 0.014, `${within}`);
    const other = values(await sent({ clip: 3, noiseMultiplier: 0.5 }, zeros, "c01"));
    const together = noise.reduce((sum, x, i) => sum + x * (other[i] ?? NaN), 0);
    assert.ok(Math.abs(together / noise.length / 1.5 ** 2) < 0.03);
  });
});

describe("differential-privacy, at the coordinator", () => {
  const clientIds = ["c0", "c1", "c2", "c3"];
  const round = (...cohort: string[]): Received => ({
    round: 1,
    phase: "train",
    clientIds,
    cohort,
    rng: stream("round"),
    updates: cohort.map((id) => anyUpdate(id)),
  });

  /** The epsilon reported for each client, round by round. */
  async function reportEpsilon(options: object, rounds: readonly Received[]) {
    const mod = create({ clip: 1, noiseMultiplier: 2, delta: 1e-3, ...options });
    let state: unknown;
    const all: unknown[] = [];
    for (const received of rounds) {
      const passed = await mod.server?.(received, state);
      ({ state } = passed ?? {});
      assert.equal(passed?.updates, undefined);
      all.push(
        Object.fromEntries([...(passed?.metrics ?? [])].map(([id, m]) => [id, m["epsilon"]])),
      );
    }
    return all;
  }

  const epsilon = (noiseMultiplier: number, samplingRate: number, rounds: number) =>
    computeEpsilon([{ noiseMultiplier, samplingRate, rounds }], 1e-3);

  it("counts the rounds in which each client was asked, whether admitted or not", async () => {
    const lost = { ...round("c0", "c2"), updates: [] };
    // Replacing the data moves an update by up to 2 · clip, which halves the multiplier.
    assert.deepEqual(await reportEpsilon({}, [round("c0", "c1"), lost]), [
      { c0: epsilon(1, 1, 1), c1: epsilon(1, 1, 1) },
      { c0: epsilon(1, 1, 2), c2: epsilon(1, 1, 1) },
    ]);
  });

  it("counts every round for all clients if the cohort is secret, as a sample", async () => {
    assert.deepEqual(
      await reportEpsilon({ sampling: "secret" }, [round("c0"), round("c1", "c2")]),
      [
        { c0: epsilon(2, 0.25, 1) },
        Object.fromEntries(
          ["c1", "c2"].map((id) => {
            const parts = [0.25, 0.5].map((samplingRate) => {
              return { noiseMultiplier: 2, samplingRate, rounds: 1 };
            });
            return [id, computeEpsilon(parts, 1e-3)];
          }),
        ),
      ],
    );
  });

  it("does not report epsilon without noise", () => {
    assert.ok(!("server" in create({ clip: 1, noiseMultiplier: 0 })));
  });
});
