import type { Update } from "@fedclair/core";
import { addScaled, gaussian, multiply, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { idOf, randomBasis, updateOf } from "@fedclair/rules/testing";
import { Clair, type ClairState } from "./aggregator.js";
import { clairSchema } from "./index.js";

const root = stream("clair state");

/** The modules of two phases, with different names and shapes. */
const shapes = { critic: [12, 6], policy: [9, 5] } as const;
type Phase = keyof typeof shapes;

/**
 * Clients `from` … `to` - 1 in a round of a phase; those in `bad` lie outside the others' space.
 */
function roundOf(phase: Phase, round: number, from: number, to: number, bad: readonly number[]) {
  const [p, q] = shapes[phase];
  const u = randomBasis(root.at(phase), p, 2);
  const updates = Array.from({ length: to - from }, (_, i): Update => {
    const k = from + i;
    const own = root.at(phase, round, k);
    const x = bad.includes(k) ? gaussian(own, p, q) : multiply(u, gaussian(own, 2, q));
    addScaled(x, 1, gaussian(own.at("noise"), p, q, 0.02));
    return updateOf(idOf(k), { [phase]: x });
  });
  return { round, phase, updates, rng: stream(round) };
}

const clair = (options: object) =>
  new Clair(clairSchema.parse({ rule: "gap", rank: 2, ...options }));

const flagged = async (judging: ReturnType<Clair["aggregate"]>) =>
  ((await judging).verdicts ?? []).flatMap(({ clientId, status }) =>
    status === "contaminated" ? [clientId] : [],
  );

describe("the state of clair", () => {
  it("is kept by phase: updates of another phase cannot outnumber those of this round", async () => {
    const aggregator = clair({ window: 4 });
    let state: ClairState | undefined;
    // Twelve clients of the earlier phase against five.
    ({ state } = await aggregator.aggregate(roundOf("critic", 1, 0, 12, [5]), state));
    const second = aggregator.aggregate(roundOf("policy", 2, 0, 5, [2]), state);
    assert.deepEqual(await flagged(second), ["c02"]);
    ({ state } = await second);
    // Two clients could not be judged without the ten others from round 1 in the window.
    const third = aggregator.aggregate(roundOf("critic", 3, 0, 2, [0]), state);
    assert.deepEqual(await flagged(third), ["c00"]);
  });

  it("is kept by phase: a bad record in one phase does not count in another", async () => {
    const aggregator = clair({ minBenignFraction: 1 });
    const fresh = await aggregator.aggregate(roundOf("policy", 2, 0, 6, []));
    const { state } = await aggregator.aggregate(roundOf("critic", 1, 0, 6, [3]));
    const result = await aggregator.aggregate(roundOf("policy", 2, 0, 6, []), state);
    assert.deepEqual({ ...result, state: undefined }, { ...fresh, state: undefined });
    assert.deepEqual([...(result.state?.keys() ?? [])], ["critic", "policy"]);
    // The record counts when its phase runs again, although c03 is benign now.
    const again = await aggregator.aggregate(roundOf("critic", 3, 0, 6, []), result.state);
    const scores = (again.verdicts ?? []).map(({ score }) => score ?? NaN);
    assert.equal(scores.indexOf(Math.max(...scores)), 3);
  });

  it("survives a round with too few clients, and one without any", async () => {
    const aggregator = clair({ rule: "evidence" });
    const readHistories = (state: ClairState | undefined) => state?.get("critic")?.histories;
    let { state } = await aggregator.aggregate(roundOf("critic", 1, 0, 8, []));
    const first = readHistories(state);
    assert.equal(first?.rows.size, 8);
    for (const clients of [5, 2, 0]) {
      ({ state } = await aggregator.aggregate(roundOf("critic", 2, 0, clients, []), state));
      assert.deepEqual(readHistories(state), first);
    }
  });

  it("survives serialisation and is not modified", async () => {
    const aggregator = clair({ window: 3 });
    const first = await aggregator.aggregate(roundOf("critic", 1, 0, 8, [1]));
    const copy = deserialize(serialize(first.state)) as ClairState;
    const next = () => roundOf("critic", 2, 4, 10, [5]);
    const onCopy = await aggregator.aggregate(next(), copy);
    assert.deepEqual(await aggregator.aggregate(next(), first.state), onCopy);
    assert.deepEqual(copy, first.state);
  });

  it("drops updates of every phase that the next round cannot use", async () => {
    const listWindow = async (window: number) => {
      const aggregator = clair({ window });
      let state: ClairState | undefined;
      ({ state } = await aggregator.aggregate(roundOf("critic", 1, 0, 4, []), state));
      ({ state } = await aggregator.aggregate(roundOf("policy", 2, 0, 3, []), state));
      ({ state } = await aggregator.aggregate(roundOf("policy", 3, 2, 6, []), state));
      return [...(state ?? [])].map(
        ([phase, { window: entries }]) => `${phase} ${[...entries.keys()].join(" ")}`,
      );
    };
    assert.deepEqual(await listWindow(1), ["critic ", "policy "]);
    assert.deepEqual(await listWindow(2), ["critic ", "policy c02 c03 c04 c05"]);
    assert.deepEqual(await listWindow(4), [
      "critic c00 c01 c02 c03",
      "policy c00 c01 c02 c03 c04 c05",
    ]);
  });
});
