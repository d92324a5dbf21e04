import assert from "node:assert/strict";
import type { Update } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { aggregate } from "./aggregate.js";

/** A client whose change is one pair of random numbers. */
function createUpdate(clientId: string, size = 1, numExamples = 1): Update {
  const rng = stream("owner").at(clientId);
  const draw = (side: string, shape: readonly [number, number], factor: number) => ({
    shape,
    data: Float32Array.from(rng.at(side).normals(shape[0] * shape[1]), (x) => factor * x),
  });
  const pair = { b: draw("b", [12, 2], size), a: draw("a", [2, 10], 1) };
  return { clientId, numExamples, delta: new Map([["m", pair]]), metrics: {} };
}

describe("the client that owns a result", () => {
  const honest = ["alice", "bob", "carol", "dave"].map((name) => createUpdate(name));
  const aggregateWith = async (aggregator: string, ...others: readonly Update[]) =>
    (await aggregate([...honest, ...others], { aggregator })).notice ?? "";

  it("is named if the aggregator bounds nobody", async () => {
    const notice = await aggregateWith("fedavg", createUpdate("eve", 1e5));
    assert.match(notice, /nearly that of eve, which has 100\.0 % of the energy of 5 changes/);
  });

  it("is named whatever shape a module has", async () => {
    const vector = (clientId: string, x: number): Update => ({
      ...createUpdate(clientId),
      delta: new Map([["w", { shape: [2], data: Float64Array.of(x, -x) }]]),
    });
    const updates = [vector("alice", 1), vector("bob", 2), vector("eve", 1e5)];
    const { notice = "" } = await aggregate(updates, { aggregator: "fedavg" });
    assert.match(notice, /nearly that of eve/);
  });

  it("is nobody if little of it is left, also on a line", async () => {
    const onLine = (clientId: string, x: number): Update => ({
      ...createUpdate(clientId),
      delta: new Map([["w", { shape: [1], data: Float64Array.of(x) }]]),
    });
    const updates = [1, 1, -1, -1, 1000].map((x, i) => onLine(`c${i}`, x));
    for (const [aggregator, named] of [
      ["fedavg", true],
      ["geometric-median", false],
    ] as const) {
      const { notice = "" } = await aggregate(updates, { aggregator });
      assert.equal(notice.includes("nearly that of c4"), named, aggregator);
    }
  });

  it("is nobody if the aggregator bounds sizes or the others count", async () => {
    const huge = createUpdate("eve", 1e5);
    for (const robust of ["coordinate-median", "norm-clip", "krum"]) {
      assert.doesNotMatch(await aggregateWith(robust, huge), /nearly that of/, robust);
    }
    assert.equal(await aggregateWith("fedavg"), "");
    assert.equal(await aggregateWith("fedavg", createUpdate("eve", 8)), "");
    assert.equal(await aggregateWith("fedavg", huge, createUpdate("ivan", 1e5)), "");
  });
});
