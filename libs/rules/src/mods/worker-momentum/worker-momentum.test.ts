import assert from "node:assert/strict";
import { readNumbers, type Mod, type Update } from "@fedclair/core";
import { describeMod } from "@fedclair/core/testing";
import { stream } from "@fedclair/linalg";
import { workerMomentum } from "./index.js";

describeMod(workerMomentum);
describeMod(workerMomentum, { options: { beta: 0 } });

const update = (clientId: string, x: number): Update => ({
  clientId,
  numExamples: 3,
  delta: new Map([["m", { shape: [1], data: Float64Array.of(x) }]]),
  metrics: { loss: 2 },
});

describe("worker-momentum", () => {
  const mod: Mod = workerMomentum.create({ beta: 0.75 } as never);
  const receive = async (updates: readonly Update[], state?: unknown) => {
    const clientIds = ["c00", "c01"];
    const received = { round: 1, phase: "train", clientIds, cohort: clientIds, updates };
    const passed = await mod.server?.({ ...received, rng: stream(1) }, state);
    assert.ok(passed?.updates);
    const numbers = passed.updates.map(({ delta }) => {
      const change = delta.get("m");
      assert.ok(change && !("b" in change));
      return readNumbers(change)[0];
    });
    return { ...passed, numbers };
  };

  it("averages each client's changes over its own rounds", async () => {
    const first = await receive([update("c00", 4), update("c01", 8)]);
    assert.deepEqual(first.numbers, [4, 8]);
    const second = await receive([update("c00", 0)], first.state);
    assert.deepEqual(second.numbers, [3]);
    const third = await receive([update("c00", 7), update("c01", 0)], second.state);
    assert.deepEqual(third.numbers, [4, 6]);
    assert.deepEqual(
      third.updates?.map(({ numExamples, metrics }) => [numExamples, metrics]),
      [
        [3, { loss: 2 }],
        [3, { loss: 2 }],
      ],
    );
  });

  it("multiplies pairs out", async () => {
    const pair = {
      b: { shape: [2, 1], data: Float32Array.of(1, 2) },
      a: { shape: [1, 2], data: Float32Array.of(3, 4) },
    };
    const sent = { ...update("c00", 0), delta: new Map([["m", pair]]) };
    const { updates } = await receive2(sent);
    assert.deepEqual(updates?.[0]?.delta.get("m"), {
      shape: [2, 2],
      data: Float32Array.of(3, 4, 6, 8),
    });
  });

  const receive2 = async (sent: Update) => {
    const ids = [sent.clientId];
    const received = { round: 1, phase: "train", clientIds: ids, cohort: ids, updates: [sent] };
    return (await mod.server?.({ ...received, rng: stream(1) })) ?? assert.fail();
  };
});
