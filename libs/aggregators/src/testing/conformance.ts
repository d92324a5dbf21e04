import {
  isLowRank,
  matrixOf,
  type Aggregation,
  type Aggregator,
  type Delta,
  type Plugin,
  type Update,
} from "@fedclair/core";
import {
  addScaled,
  frobenius,
  gaussian,
  Matrix,
  multiply,
  stream,
  subtract,
} from "@fedclair/linalg";
import assert from "node:assert/strict";
import { factorsOf, product } from "../factors.js";
import { idOf, randomBasis, updateOf } from "./updates.js";

const p = 6;
const q = 5;
const r = 2;

/** Seven clients, two of them outside the common column space; all train one frozen A, as ffa-lora asks. */
function factoredUpdates(): Update[] {
  const root = stream("aggregator conformance");
  const basis = randomBasis(root.at("U"), p, r);
  const a = gaussian(root.at("A"), r, q);
  return Array.from({ length: 7 }, (_, k) => {
    const own = root.at("client", k);
    const b = k < 2 ? gaussian(own, p, r) : multiply(basis, gaussian(own, r, r));
    return updateOf(idOf(k), { m: { b, a } }, k + 1);
  });
}

function denseUpdates(): Update[] {
  return factoredUpdates().map((update) =>
    updateOf(update.clientId, { m: valueOf([update.delta]) }, update.numExamples),
  );
}

/**
 * What every aggregator must do, whatever its rule.
 * @param multipliesOut why its change of factored updates is dense, if it is
 */
export function describeAggregator(plugin: Plugin<Aggregator>, multipliesOut?: string): void {
  const aggregate = (updates: readonly Update[], seed = 1) =>
    plugin
      .create(plugin.schema.parse({}) as never)
      .aggregate({ round: 1, phase: "train", updates, rng: stream(seed) });

  describe(`${plugin.name} as an aggregator`, () => {
    for (const [form, make] of [
      ["dense", denseUpdates],
      ["factored", factoredUpdates],
    ] as const) {
      describe(`of ${form} updates`, () => {
        it("does not depend on the order of the updates, nor on the secret one", async () => {
          const updates = make();
          const expected = await aggregate(updates);
          for (const seed of [1, 2, 3]) {
            const got = await aggregate(stream(seed).sample(updates), seed);
            assertSameChanges(got, expected, updates);
            assert.deepEqual(statuses(got), statuses(expected));
          }
        });

        it("gives the same answer to the same question, and leaves the updates as they were", async () => {
          const updates = make();
          const before = structuredClone(updates);
          const first = await aggregate(updates);
          assert.deepEqual(updates, before);
          assert.deepEqual(await aggregate(updates), first);
        });

        it("gives a lone client its own change", async () => {
          const updates = make().slice(3, 4);
          assertEveryoneGets(await aggregate(updates), updates);
        });

        it("gives equal clients their common change", async () => {
          const [, , , same] = make();
          assert.ok(same !== undefined);
          const updates = Array.from({ length: 5 }, (_, k) => ({ ...same, clientId: idOf(k) }));
          assertEveryoneGets(await aggregate(updates), updates);
        });

        const factored = form === "factored" && multipliesOut === undefined;
        it(`gives finite numbers, ${factored ? "in factors" : (multipliesOut ?? "in any form")}`, async () => {
          const { global, personal, metrics } = await aggregate(make());
          for (const terms of [global, ...(personal?.values() ?? [])]) {
            const changes = terms.flatMap((term) => [...term.values()]);
            assert.ok(!factored || changes.every(isLowRank));
            assert.ok(valueOf(terms).data.every(Number.isFinite));
          }
          assert.ok(Object.values(metrics ?? {}).every(Number.isFinite));
        });
      });
    }
  });
}

/** Module m of a sum of terms, multiplied out; zero of no terms. */
export function valueOf(terms: readonly Delta[], module = "m"): Matrix {
  const values = terms.flatMap((term) => {
    const change = term.get(module);
    if (change === undefined) return [];
    return [isLowRank(change) ? product(factorsOf(change)) : matrixOf(change)];
  });
  const out = new Matrix(values[0]?.rows ?? 0, values[0]?.cols ?? 0);
  for (const value of values) addScaled(out, 1, value);
  return out;
}

/** What a client goes on with: its personal change, where there are such, else the global one. */
function termsOf({ global, personal }: Aggregation, clientId: string): readonly Delta[] {
  return personal?.get(clientId) ?? global;
}

function assertEveryoneGets(aggregate: Aggregation, updates: readonly Update[]): void {
  for (const { clientId, delta } of updates) {
    assertNear(valueOf(termsOf(aggregate, clientId)), valueOf([delta]));
  }
}

function assertSameChanges(
  got: Aggregation,
  expected: Aggregation,
  updates: readonly Update[],
): void {
  assertNear(valueOf(got.global), valueOf(expected.global));
  for (const { clientId } of updates) {
    assertNear(valueOf(termsOf(got, clientId)), valueOf(termsOf(expected, clientId)));
  }
}

function assertNear(got: Matrix, expected: Matrix): void {
  const distance = frobenius(subtract(got, expected));
  assert.ok(distance <= 1e-10 * Math.max(1, frobenius(expected)), `distance ${distance}`);
}

function statuses({ verdicts }: Aggregation): Record<string, string> {
  const entries = (verdicts ?? []).map(({ clientId, status }) => [clientId, status]);
  return Object.fromEntries(entries.sort()) as Record<string, string>;
}
