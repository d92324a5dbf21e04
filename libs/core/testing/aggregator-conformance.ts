import assert from "node:assert/strict";
import { inspect } from "node:util";
import { deserialize, serialize } from "node:v8";
import {
  addScaled,
  frobenius,
  gaussian,
  Matrix,
  multiply,
  stream,
  subtract,
  thinQr,
} from "@fedclair/linalg";
import { checkAggregation } from "../src/contracts/aggregation.js";
import type { Aggregation, AggregatorInput } from "../src/contracts/aggregator.js";
import type { AggregatorPlugin } from "../src/contracts/plugin.js";
import { toDense, toTensor } from "../src/tensors/matrix.js";
import {
  createStored,
  dtypeOf,
  loadTensor,
  payloadBytes,
  readNumbers,
  type Tensor,
} from "../src/tensors/tensor.js";
import {
  isLowRank,
  mapTensors,
  type Delta,
  type TensorDelta,
  type Update,
} from "../src/tensors/update.js";
import { assertOptions, keepsMore, setUpSuite } from "./suite.js";

const p = 6;
const q = 5;
const r = 2;

/**
 * Creates updates of seven clients, two of them outside the common column space. All have the same
 * frozen A, which ffa-lora requires.
 */
function factoredUpdates(seed = "aggregator conformance", rows = p): Update[] {
  const root = stream(seed);
  const { q: basis } = thinQr(gaussian(root.at("U"), rows, r));
  const a = gaussian(root.at("A"), r, q);
  return Array.from({ length: 7 }, (_, k) => {
    const own = root.at("client", k);
    const b = k < 2 ? gaussian(own, rows, r) : multiply(basis, gaussian(own, r, r));
    return createUpdate(k, { b: toTensor(b), a: toTensor(a) });
  });
}

function denseUpdates(): Update[] {
  return factoredUpdates().map(({ delta }, k) => createUpdate(k, toTensor(sumTerms([delta]))));
}

function createUpdate(k: number, change: TensorDelta): Update {
  return { clientId: idOf(k), numExamples: k + 1, delta: new Map([["m", change]]), metrics: {} };
}

/** Copies an update so that its numbers are read on demand, like those of updates on disk. */
function storeTensors(update: Update): Update {
  const stored = (tensor: Tensor) =>
    createStored(tensor.shape, dtypeOf(tensor), payloadBytes([tensor]), () =>
      readNumbers(tensor).slice(),
    );
  return { ...update, delta: mapTensors(update.delta, stored) };
}

/**
 * Reads the terms of an aggregation into memory, and leaves out its state. Both may contain the
 * updates' own stored tensors.
 */
function readTerms({ change, personal, verdicts, metrics }: Aggregation) {
  const load = (term: Delta) => mapTensors(term, loadTensor);
  const own = [...(personal ?? [])].map(([id, terms]) => [id, terms.map(load)] as const);
  return { change: change.map(load), personal: new Map(own), verdicts, metrics };
}

function idOf(k: number): string {
  return `c0${k}`;
}

/** Settings of `describeAggregator`. */
export interface AggregatorSetting {
  /** Options in addition to the defaults. */
  readonly options?: object;
  /** The reason why the aggregator multiplies out low-rank pairs, if it does. */
  readonly multipliesOut?: string;
  /** The reason why the aggregator depends on the seed, if it does. */
  readonly dependsOnSeed?: string;
}

/**
 * Tests what every aggregator must do with dense updates and with low-rank pairs. Call it where
 * mocha, or another runner with a global `describe` and `it`, runs it.
 */
export function describeAggregator(
  plugin: AggregatorPlugin,
  { options = {}, multipliesOut, dependsOnSeed }: AggregatorSetting = {},
): void {
  const aggregate = async (updates: readonly Update[], seed = 1, state?: unknown) => {
    const round = state === undefined ? 1 : 2;
    const aggregation: unknown = await plugin
      .create(plugin.schema.parse(options) as never)
      .aggregate({ round, phase: "train", updates, rng: stream(seed) }, state);
    const ids = updates.map(({ clientId }) => clientId);
    checkAggregation(plugin.name, aggregation, ids);
    return aggregation;
  };

  describe(`${plugin.name} ${formatOptions(options)}as an aggregator`, function () {
    setUpSuite(this);

    it("rejects an unknown option", () => {
      assertOptions(plugin, options);
    });

    describeState(plugin, options);

    for (const [form, make] of [
      ["dense", denseUpdates],
      ["factored", factoredUpdates],
    ] as const) {
      describe(`with ${form} updates`, () => {
        const seedToo = dependsOnSeed === undefined;
        it(`does not depend on the order of the updates${seedToo ? " or on the seed" : `; ${dependsOnSeed}`}`, async () => {
          const updates = make();
          const expected = await aggregate(updates);
          for (const seed of [1, 2, 3]) {
            const got = await aggregate(stream(seed).sample(updates), seedToo ? seed : 1);
            const why = seedToo
              ? "it depends on the order of the updates or on the seed: if the seed is meant to matter, say why in the suite's option dependsOnSeed"
              : "it depends on the order of the updates";
            assertSameChanges(got, expected, updates, why);
            assert.deepEqual(statuses(got), statuses(expected), `in its verdicts ${why}`);
          }
        });

        it("is deterministic, and does not change the updates", async () => {
          const updates = make();
          const before = structuredClone(updates);
          const first = await aggregate(updates);
          assert.deepEqual(updates, before, "it writes into the updates: copy them first");
          assert.deepEqual(
            await aggregate(updates),
            first,
            "the same updates and seed give another result: draw only from `rng` of its input",
          );
        });

        it("gives the same result for updates that are read from disk on demand", async () => {
          const updates = make();
          const twoRounds = async (sent: readonly Update[]) => {
            const first = await aggregate(sent);
            return [first, await aggregate(sent.slice(1), 2, first.state)].map(readTerms);
          };
          assert.deepEqual(
            await twoRounds(updates.map(storeTensors)),
            await twoRounds(updates),
            "stored tensors give another result: read them with `readNumbers`",
          );
        });

        it("streams the same result as of the whole round, if it streams", async () => {
          const aggregator = plugin.create(plugin.schema.parse(options) as never);
          const rng = stream(1);
          const streamed = aggregator.stream?.({ round: 1, phase: "train", rng });
          const updates = make();
          const [first, ...others] = stream("parts").sample(updates);
          if (!streamed || !first) return;
          await streamed.add([first]);
          await streamed.add(others);
          const [got, expected] = [await streamed.finish(), await aggregate(updates)];
          const why = "its stream gives another result than `aggregate`";
          assertSameChanges(got, expected, updates, why);
          assert.deepEqual(statuses(got), statuses(expected), `in its verdicts ${why}`);
        });

        it("gives a lone client its own change", async () => {
          const updates = make().slice(3, 4);
          assertEveryoneGets(await aggregate(updates), updates, "a lone client");
        });

        it("gives equal clients their common change", async () => {
          const [, , , same] = make();
          if (!same) throw new Error("there are fewer than four updates");
          const updates = Array.from({ length: 5 }, (_, k) => ({ ...same, clientId: idOf(k) }));
          assertEveryoneGets(await aggregate(updates), updates, "one of five equal clients");
        });

        const factored = form === "factored" && multipliesOut === undefined;
        it(`gives finite numbers, ${factored ? "in factors" : (multipliesOut ?? "in any form")}`, async () => {
          const { change, personal, metrics } = await aggregate(make());
          const { changesPersonal = false } = plugin.create(plugin.schema.parse(options) as never);
          assert.ok(
            changesPersonal || (personal?.size ?? 0) === 0,
            "it returns personal changes: declare changesPersonal: true on the aggregator",
          );
          for (const terms of [change, ...(personal?.values() ?? [])]) {
            const changes = terms.flatMap((term) => [...term.values()]);
            assert.ok(
              !factored || changes.every(isLowRank),
              "its change is dense although the updates are pairs: return pairs, or say why in the suite's option multipliesOut",
            );
            assert.ok(sumTerms(terms).data.every(Number.isFinite), "a change has NaN or ±∞");
          }
          assert.ok(
            Object.values(metrics ?? {}).every(Number.isFinite),
            `a metric is not finite: ${inspect(metrics)}`,
          );
        });
      });
    }
  });
}

/**
 * Tests that the aggregator keeps nothing but its state: a second instance that resumes from a
 * stored state gives the same bytes. Two phases with different shapes alternate, and a different
 * client is missing in each round.
 */
function describeState(plugin: AggregatorPlugin, options: object): void {
  const create = () => plugin.create(plugin.schema.parse(options) as never);
  const inputOf = (round: number): AggregatorInput => {
    const updates = round % 3 === 0 ? factoredUpdates("other phase", p + 2) : factoredUpdates();
    return {
      round,
      phase: round % 3 === 0 ? "other" : "train",
      updates: updates.filter((_, k) => k !== round),
      rng: stream("state").at(round),
    };
  };
  const rounds = async (from: number, to: number, start?: unknown) => {
    const aggregator = create();
    const aggregations: Aggregation[] = [];
    let state = start;
    for (let round = from; round <= to; round++) {
      const { state: next, ...aggregation } = await aggregator.aggregate(inputOf(round), state);
      aggregations.push(aggregation);
      state = next ?? state;
    }
    return { aggregations, state };
  };

  it("keeps nothing but its state", async () => {
    const whole = await rounds(1, 6);
    const { state } = await rounds(1, 3);
    const rest = await rounds(4, 6, deserialize(serialize(state)));
    assert.deepEqual(rest.aggregations, whole.aggregations.slice(3), keepsMore);
    assert.deepEqual(rest.state, whole.state, keepsMore);
  });
}

/** Sums the terms of one module as a matrix; it is empty if there are no terms. */
export function sumTerms(terms: readonly Delta[], module = "m"): Matrix {
  const values = terms.flatMap((term) => {
    const change = term.get(module);
    if (change === undefined) return [];
    return [toDense(change)];
  });
  const out = new Matrix(values[0]?.rows ?? 0, values[0]?.cols ?? 0);
  for (const value of values) addScaled(out, 1, value);
  return out;
}

/** Returns the change of a client: its personal one if there is one, otherwise the shared one. */
function termsOf({ change, personal }: Aggregation, clientId: string): readonly Delta[] {
  return personal?.get(clientId) ?? change;
}

function assertEveryoneGets(aggregate: Aggregation, updates: readonly Update[], who: string): void {
  for (const { clientId, delta } of updates) {
    const got = sumTerms(termsOf(aggregate, clientId));
    assertNear(got, sumTerms([delta]), `${who} does not get its own change`);
  }
}

function assertSameChanges(
  got: Aggregation,
  expected: Aggregation,
  updates: readonly Update[],
  why: string,
): void {
  assertNear(sumTerms(got.change), sumTerms(expected.change), why);
  for (const { clientId } of updates) {
    assertNear(sumTerms(termsOf(got, clientId)), sumTerms(termsOf(expected, clientId)), why);
  }
}

function assertNear(got: Matrix, expected: Matrix, why: string): void {
  for (const { data } of [got, expected])
    assert.ok(data.every(Number.isFinite), "a change has NaN or ±∞");
  const distance = frobenius(subtract(got, expected));
  const norm = frobenius(expected);
  assert.ok(
    distance <= 1e-10 * Math.max(1, norm),
    `${why}: the changes are ${distance.toPrecision(3)} apart, and the expected one has norm ${norm.toPrecision(3)}`,
  );
}

function statuses({ verdicts }: Aggregation): Record<string, string> {
  const entries = (verdicts ?? []).map(({ clientId, status }) => [clientId, status]);
  return Object.fromEntries(entries.sort()) as Record<string, string>;
}

function formatOptions(options: object): string {
  return Object.keys(options).length === 0 ? "" : `${JSON.stringify(options)} `;
}
