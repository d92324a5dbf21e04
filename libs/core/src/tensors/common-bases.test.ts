import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import { keepInMemory, resolveParams, type ClientParams } from "./client-params.js";
import { CommonBases } from "./common-bases.js";
import { Products } from "./merge.js";
import { payloadBytes, type Params } from "./tensor.js";
import { deltaBytes, type Delta } from "./update.js";

/** Large enough that the pairs of a test never outweigh it. */
const size = 256;
const base: Params = new Map([["m", { shape: [size, size], data: new Float64Array(size * size) }]]);
/** Adds `x` to every number. */
const pair = (x: number): Delta => {
  const column = (value: number) => new Float64Array(size).fill(value);
  const b = { shape: [size, 1], data: column(x) };
  return new Map([["m", { b, a: { shape: [1, size], data: column(1) } }]]);
};

/** Clients of a trial, all on one base before the first round. */
function clientsOf(...ids: readonly string[]) {
  const params = new Map<string, ClientParams>(ids.map((id) => [id, { base, rounds: [] }]));
  const of = (id: string) => params.get(id) ?? assert.fail(id);
  return {
    of,
    bases: () => new Set([...params.values()].map((one) => one.base)).size,
    round: async (given: Readonly<Record<string, readonly Delta[]>>) => {
      const common = new CommonBases(
        new Map(Object.entries(given)),
        of,
        new Products(),
        keepInMemory,
      );
      const made = Object.entries(given).map(async ([id, terms]) => {
        return [id, await common.extend(of(id), terms)] as const;
      });
      for (const [id, after] of await Promise.all(made)) params.set(id, after);
    },
    value: async (id: string) => (await resolveParams(of(id))).get("m")?.data[0],
  };
}

describe("CommonBases", () => {
  it("adds what several are given to one base, and leaves each its own pairs", async () => {
    const [first, second, shared] = [pair(1), pair(2), pair(10)];
    const clients = clientsOf("c0", "c1", "c2", "c3");
    await clients.round({ c0: [first, shared], c1: [second, shared], c2: [shared], c3: [] });
    const rounds = ["c0", "c1", "c2"].map((id) => clients.of(id).rounds);
    assert.deepEqual(rounds, [[[first]], [[second]], []]);
    assert.equal(clients.of("c3").base, base);
    assert.equal(clients.bases(), 2);
    const values = await Promise.all(["c0", "c1", "c2", "c3"].map(clients.value));
    assert.deepEqual(values, [11, 12, 10, 0]);
  });

  it("gives a client that missed three rounds the params that are its own, on the base that it had", async () => {
    const clients = clientsOf("c0", "c1", "c2");
    const terms = [1, 2, 3, 4, 5, 6].map((k) => pair(10 ** k));
    for (const [r, shared] of terms.entries()) {
      const present = r >= 1 && r <= 3 ? ["c0", "c1"] : ["c0", "c1", "c2"];
      await clients.round(Object.fromEntries(present.map((id) => [id, [pair(1), shared]])));
    }
    // Six of its own and of the shared; three of either.
    const values = await Promise.all(["c0", "c1", "c2"].map(clients.value));
    assert.deepEqual(values, [1_111_116, 1_111_116, 1_100_013]);
    assert.equal(clients.of("c0").base, clients.of("c1").base);
    assert.equal(clients.bases(), 2);
  });

  it("makes no base for every client, however cohorts differ", async () => {
    const ids = Array.from({ length: 10 }, (_, k) => `c${k}`);
    const clients = clientsOf(...ids);
    const attended = new Map(ids.map((id) => [id, 0]));
    for (let round = 1; round <= 12; round++) {
      const shared = pair(100);
      const cohort = stream("cohorts").at(round).sample(ids, 5);
      await clients.round(Object.fromEntries(cohort.map((id) => [id, [pair(1), shared]])));
      for (const id of cohort) attended.set(id, (attended.get(id) ?? 0) + 1);
    }
    for (const [id, rounds] of attended) assert.equal(await clients.value(id), 101 * rounds);
    assert.equal(clients.bases(), 4); // ten, if each group had its own
    const terms = new Set(ids.flatMap((id) => clients.of(id).rounds.flat()));
    const bytes = [...terms].reduce((sum, delta) => sum + deltaBytes(delta), 0);
    assert.ok(bytes < payloadBytes(base.values()), "all pairs together take less than one base");
  });
});
