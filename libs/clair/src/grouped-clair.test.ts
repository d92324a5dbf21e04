import type { Aggregation, Delta, Update } from "@fedclair/core";
import { sumTerms } from "@fedclair/core/testing";
import { addScaled, frobenius, gaussian, Matrix, stream, subtract } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { updateOf } from "@fedclair/rules/testing";
import { GroupedClair } from "./grouped-clair.js";
import { clairAggregator, clairSchema } from "./index.js";

const [rows, cols] = [10, 100];
const root = stream("clair in groups");
const common = gaussian(root.at("common"), rows, cols);

/** Clients that learn something in common, with noise; the first ones send the opposite. */
function cohort(clients: number, contaminated = 0): Update[] {
  return Array.from({ length: clients }, (_, k) => {
    const x = gaussian(root.at(k), rows, cols, 0.8);
    addScaled(x, k < contaminated ? -1 : 1, common);
    return updateOf(`c${String(k).padStart(2, "0")}`, { m: x });
  });
}

const create = (options: object = {}) =>
  clairAggregator.create(
    clairSchema.parse({ models: "global", groupSize: 20, ...options }) as never,
  );

/** Judges updates that come in parts of these sizes, and then the rest, by a rule that is quick. */
async function judge(
  updates: readonly Update[],
  ...parts: readonly number[]
): Promise<Aggregation> {
  const aggregator = create({ rule: "gap", minBenignFraction: 1, rank: 2 });
  const streamed = aggregator.stream?.({ round: 1, phase: "train", rng: stream(1) });
  assert.ok(streamed);
  let from = 0;
  for (const size of [...parts, Infinity]) {
    await streamed.add(updates.slice(from, from + size));
    from += size;
  }
  return await streamed.finish();
}

describe("clair in groups", () => {
  it("gives one verdict on each client and flags the contaminated ones", async () => {
    const updates = cohort(60, 6);
    const {
      verdicts = [],
      cleared,
      metrics,
    } = await create({ rank: 2 }).aggregate({
      round: 1,
      phase: "train",
      updates,
      rng: stream(1),
    });
    assert.deepEqual(
      verdicts.map(({ clientId }) => clientId).sort(),
      updates.map(({ clientId }) => clientId),
    );
    const flagged = verdicts.filter(({ status }) => status === "contaminated");
    assert.deepEqual(flagged.map(({ clientId }) => clientId).sort(), [
      "c00",
      "c01",
      "c02",
      "c03",
      "c04",
      "c05",
    ]);
    assert.deepEqual(metrics, { groups: 3, contaminated: 6, inactive: 0 });
    assert.ok(cleared?.includes("boosted"), `cleared of ${cleared?.join()}`);
    // Evidence against flagged clients only.
    for (const { status, evidence } of verdicts)
      assert.equal(evidence !== undefined, status === "contaminated");
  });

  it("spreads the rest over two groups, or adds it to the last one", async () => {
    for (const [clients, groups] of [
      [12, 1],
      [29, 1],
      [39, 2],
      [40, 2],
      [49, 2],
      [50, 3],
    ] as const) {
      const { metrics } = await judge(cohort(clients));
      assert.equal(metrics?.["groups"], groups, `${clients} clients`);
    }
  });

  it("does not depend on how the updates come in parts", async () => {
    const updates = cohort(60, 6);
    const whole = await judge(updates);
    for (const parts of [[1, 1, 1], [25, 25], [60]]) {
      assert.deepEqual(await judge(updates, ...parts), whole);
    }
  });

  it("does not depend on the number of groups that are judged at once", async () => {
    const updates = cohort(120, 6);
    const judgeAtOnce = (atOnce: number) =>
      new GroupedClair(
        clairSchema.parse({ models: "global", groupSize: 20, rank: 2 }),
        atOnce,
      ).aggregate({ round: 1, phase: "train", updates, rng: stream(1) });
    const alone = await judgeAtOnce(1);
    assert.equal(alone.metrics?.["groups"], 6);
    assert.deepEqual(await judgeAtOnce(4), alone);
  });

  it("returns the mean of the clients that the groups share", async () => {
    const updates = cohort(40);
    const { change, verdicts = [] } = await judge(updates);
    const groups = [updates.slice(0, 20), updates.slice(20)];
    const whole = clairSchema.parse({
      models: "global",
      rule: "gap",
      minBenignFraction: 1,
      rank: 2,
    });
    const expected = new Matrix(rows, cols);
    let clients = 0;
    for (const group of groups) {
      const own = await clairAggregator
        .create(whole as never)
        .aggregate({ round: 1, phase: "train", updates: group, rng: stream(1) });
      const pooled = own.verdicts?.filter((verdict) => verdict.pooled).length ?? 0;
      addScaled(expected, pooled, sumTerms(own.change));
      clients += pooled;
    }
    assert.equal(verdicts.filter(({ pooled }) => pooled).length, clients);
    const got: readonly Delta[] = change;
    const distance = frobenius(subtract(sumTerms(got), expected.scale(1 / clients)));
    assert.ok(distance < 1e-9, String(distance));
  });

  it("needs one model for all, and no window", () => {
    const messages = (options: object) =>
      clairSchema
        .safeParse({ groupSize: 20, ...options })
        .error?.issues.map((issue) => issue.message);
    assert.deepEqual(messages({}), [
      "expected global with groupSize, because nothing is kept about single clients",
    ]);
    assert.deepEqual(messages({ models: "global", window: 2 }), [
      "expected 1 with groupSize, because groups do not see earlier rounds",
    ]);
  });
});
