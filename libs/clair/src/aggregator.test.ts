import type { Aggregation, Update } from "@fedclair/core";
import { addScaled, gaussian, Matrix, multiply, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { sumTerms } from "@fedclair/core/testing";
import { distance } from "../testing/measure.js";
import { idOf, randomBasis, updateOf } from "@fedclair/rules/testing";
import { certifiedMargin, clairAggregator, clairSchema, threadsFor } from "./index.js";

const root = stream("clair aggregator");
const basis = randomBasis(root.at("U"), 8, 2);

/**
 * A round in which c00 is contaminated, c01 idle and the others benign; all are factored, with a
 * little noise.
 */
function round(seed: number, contaminated = 1): Update[] {
  return Array.from({ length: 8 }, (_, k) => {
    const own = root.at(seed, k);
    const b = multiply(basis, gaussian(own, 2, 2));
    addScaled(b, 1, gaussian(own, 8, 2, 0.02));
    if (k === 0) addScaled(b, contaminated, gaussian(own, 8, 2));
    return updateOf(idOf(k), { m: { b: k === 1 ? new Matrix(8, 2) : b, a: gaussian(own, 2, 6) } });
  });
}

const aggregator = (options = {}) =>
  clairAggregator.create(clairSchema.parse({ rule: "gap", rank: 2, ...options }) as never);

const input = (updates: readonly Update[], seed = 1) => ({
  round: 1,
  phase: "train",
  updates,
  rng: stream(seed),
});

function termsOf({ personal }: Aggregation, id: string) {
  const terms = personal?.get(id);
  assert.ok(terms !== undefined, `no personal change of ${id}`);
  return terms;
}

describe("the clair aggregator", () => {
  it("says who claims more examples than count", async () => {
    const claimed = round(1).map((update) =>
      update.clientId === "c04" ? { ...update, numExamples: 1e9 } : update,
    );
    const weighted = { models: "global", weighting: "samples" };
    const { notice } = await aggregator(weighted).aggregate(input(claimed));
    assert.match(
      notice ?? "",
      /^more examples than \d+, 10 times the median, count as .*: c04 with/,
    );
    const inGroups = await aggregator({ ...weighted, groupSize: 20 }).aggregate(input(claimed));
    assert.equal(inGroups.notice, notice);
    assert.equal((await aggregator().aggregate(input(claimed))).notice, undefined);
  });

  it("gives benign clients their own and the shared part, idle ones the shared part, and contaminated ones their own change", async () => {
    const updates = round(1);
    const aggregate = await aggregator().aggregate(input(updates));
    const [own, shared] = termsOf(aggregate, "c02");
    assert.ok(own !== undefined && shared !== undefined);
    // The same object for all clients, so that it is stored and multiplied out once.
    assert.equal(termsOf(aggregate, "c03")[1], shared);
    assert.equal(aggregate.change[1], shared);
    assert.deepEqual(termsOf(aggregate, "c01"), [shared]);
    assert.deepEqual(termsOf(aggregate, "c00"), [updates[0]?.delta]);

    // Clients with a part from others may choose; the contaminated client has nothing to choose.
    const choosing = updates.slice(1).map(({ clientId }) => clientId);
    assert.deepEqual([...(aggregate.refined ?? [])], choosing);
    const global = await aggregator({ models: "global" }).aggregate(input(updates));
    assert.equal(global.refined, undefined);

    const benign = updates.slice(2);
    const mean = new Matrix(8, 6);
    for (const { delta } of benign) addScaled(mean, 1 / 6, sumTerms([delta]));
    assert.ok(distance(sumTerms(aggregate.change), mean) < 1e-12);
    const [first] = benign;
    assert.ok(first !== undefined);
    assert.ok(distance(sumTerms([own, shared]), sumTerms([first.delta])) < 0.5);
  });

  it("tells that modules of one column have no space to align", async () => {
    const columns = (count: number) =>
      [1, 2, 3, 4, 5, 6].map((k) =>
        updateOf(idOf(k), { m: gaussian(root.at("wide", k), 8, count) }),
      );
    const { notice } = await aggregator().aggregate(input(columns(1)));
    assert.match(notice ?? "", /^every module has a single column/);
    assert.equal((await aggregator().aggregate(input(columns(2)))).notice, undefined);
  });

  it("tells that the bank supports no rate as small as the wanted one", async () => {
    const updates = [1, 2, 3, 4, 5, 6, 7].map((k) =>
      updateOf(idOf(k), { m: gaussian(root.at("rate", k), 8, 6) }),
    );
    const noticeOf = async (falseAlarmRate: number) => {
      const own = aggregator({ rule: { by: "evidence", falseAlarmRate }, models: "global" });
      return (await own.aggregate(input(updates))).notice;
    };
    assert.match(
      (await noticeOf(0.001)) ?? "",
      /^the bank supports rates .* down to [\d.]+ .*, not 0.001/,
    );
    assert.equal(await noticeOf(0.5), undefined);
  });

  it("reports a verdict with a score for every client", async () => {
    const { verdicts, metrics } = await aggregator().aggregate(input(round(1)));
    assert.deepEqual(
      verdicts?.map(({ clientId, status }) => `${clientId} ${status}`),
      ["c00 contaminated", "c01 inactive", ...[2, 3, 4, 5, 6, 7].map((k) => `${idOf(k)} benign`)],
    );
    for (const { status, score, threshold } of verdicts) {
      if (status === "inactive") assert.equal(score, null);
      else assert.equal((score ?? NaN) > (threshold ?? NaN), status === "contaminated");
    }
    const { gap = NaN, "identifiable.margin": margin = NaN, ...others } = metrics ?? {};
    assert.deepEqual(others, {
      "identifiable.certified": 1,
      "identifiable.complete": 1,
      "rank.m": 2,
      contaminated: 1,
      inactive: 1,
    });
    assert.ok(gap > 1.3);
    assert.ok(margin > certifiedMargin);
  });

  it("remembers a client's bad rounds", async () => {
    const clair = aggregator();
    const { state } = await clair.aggregate(input(round(1)));
    // In round 2 every client is benign.
    const scoreAfter = async (earlier: unknown) => {
      const { verdicts } = await clair.aggregate(input(round(2, 0)), earlier);
      return verdicts?.find(({ clientId }) => clientId === "c00")?.score ?? NaN;
    };
    assert.ok((await scoreAfter(state)) > 3 * (await scoreAfter(undefined)));
  });

  it("blends the logarithms of the scores of two rounds", async () => {
    const scoreIn = (aggregate: Aggregation) =>
      aggregate.verdicts?.find(({ clientId }) => clientId === "c00")?.score ?? NaN;
    const mindful = aggregator({ minBenignFraction: 1 });
    const first = await mindful.aggregate(input(round(1)));
    const clean = scoreIn(await mindful.aggregate(input(round(2, 0))));
    const second = scoreIn(await mindful.aggregate(input(round(2, 0)), first.state));
    const blended = Math.exp(0.5 * Math.log(clean) + 0.5 * Math.log(scoreIn(first)));
    assert.ok(Math.abs(second / blended - 1) < 1e-12);
    assert.ok(second > 1.5 * clean);
  });

  it("never multiplies factors out", async () => {
    // As a matrix, this module would take 29 GB and could not be allocated.
    const [p, q] = [60_000, 60_000];
    const tall = randomBasis(root.at("tall"), p, 1);
    const updates = Array.from({ length: 5 }, (_, k) => {
      const own = root.at("tall", k);
      const b = k === 0 ? gaussian(own, p, 1) : tall.scale(own.normal());
      return updateOf(idOf(k), { m: { b, a: gaussian(own, 1, q) } });
    });
    const clair = aggregator({ rank: 1 });
    const { verdicts, change } = await clair.aggregate(input(updates));
    assert.deepEqual(
      verdicts?.map(({ status }) => status),
      ["contaminated", "benign", "benign", "benign", "benign"],
    );
    assert.equal(change.length > 0, true);
  });

  it("does not block the event loop while it computes", async function () {
    // A busy machine can stall any thread, so it is enough that one attempt is not stalled by this
    // code.
    this.retries(4).timeout(60_000);
    const updates = Array.from({ length: 16 }, (_, k) =>
      updateOf(idOf(k), { m: gaussian(root.at("busy", k), 64, 64) }),
    );
    const started = performance.now();
    const longest = await longestPause(() =>
      aggregator({ rank: "auto" }).aggregate(input(updates)),
    );
    assert.ok(performance.now() - started > 100, "too little work to show anything");
    assert.ok(longest < 50, `a heartbeat was ${longest.toFixed(0)} ms late`);
  });

  it("does not block the event loop while hundreds of megabytes are sent to the thread and back", async function () {
    this.retries(4).timeout(60_000);
    const q = 2 ** 17;
    const a = root.at("wide").normals(q);
    const updates = Array.from({ length: 200 }, (_, k) => {
      const b = { shape: [3, 1], data: Float64Array.of(1, 0, k < 20 ? 1 : 0) };
      const low = { b, a: { shape: [1, q], data: a.slice() } };
      return { ...updateOf(idOf(k), {}), delta: new Map([["m", low]]) };
    });
    const longest = await longestPause(() => aggregator({ rank: 1 }).aggregate(input(updates)));
    assert.ok(longest < 50, `a heartbeat was ${longest.toFixed(0)} ms late`);
  });

  it("rejects a rank at which no client could be flagged", async () => {
    const updates = Array.from({ length: 6 }, (_, k) =>
      updateOf(idOf(k), { m: gaussian(root.at("room", k), 3, 5) }),
    );
    await assert.rejects(
      aggregator({ rank: 3 }).aggregate(input(updates)),
      /as many dimensions as the modules have rows \(3\) hold every update.*set rank below 3/,
    );
  });

  it("uses threads for all but small rounds", () => {
    const roundOf = (clients: number, rows: number, cols: number) =>
      Array.from({ length: clients }, (_, k) =>
        updateOf(idOf(k), { m: gaussian(root.at("size", k), rows, cols) }),
      );
    const options = clairSchema.parse({ rule: "gap" });
    assert.equal(threadsFor(roundOf(20, 30, 10), options), 0);
    assert.equal(threadsFor(roundOf(20, 30, 30), options), 1);
    assert.equal(threadsFor(roundOf(65, 3, 3), options), 1);
    assert.equal(threadsFor(roundOf(40, 64, 64), options), Math.min(5, availableParallelism()));
    assert.equal(
      threadsFor(roundOf(20, 30, 10), clairSchema.parse({ rule: "gap", starts: 17 })),
      1,
    );
    const ofRank = clairSchema.parse({ rule: "gap", rank: 4 });
    assert.equal(threadsFor(roundOf(16, 64, 128), ofRank), 0);
    assert.notEqual(threadsFor(roundOf(17, 64, 120), ofRank), 0);
    assert.notEqual(threadsFor(roundOf(16, 64, 129), ofRank), 0);
  });
});

/** The longest delay of a heartbeat of one millisecond during the work, in milliseconds. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const heartbeat = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  await work();
  clearInterval(heartbeat);
  return longest;
}
