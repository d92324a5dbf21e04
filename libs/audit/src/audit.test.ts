import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Update } from "@fedclair/core";
import { aggregate, audit, parseClairOptions } from "./index.js";

const presidents = fileURLToPath(new URL("../../fixtures/adapters/presidents", import.meta.url));

describe("the functions for scripts", () => {
  it("judge a folder of adapters and return the findings", async () => {
    const lines: string[] = [];
    const clair = parseClairOptions(["rank=4"]);
    const { adapters, refined } = await audit([presidents], {
      clair,
      log: (line) => lines.push(line),
    });
    const flagged = adapters.filter(({ status }) => status === "contaminated");
    assert.deepEqual(
      flagged.map(({ name }) => name.replace(/\d$/, "")),
      ["bad-random-", "bad-random-", "bad-random-", "bad-random-", "bad-trigger"],
    );
    assert.equal(refined, undefined);
    assert.match(lines.join("\n"), /^19 adapters in .*\ncomparing 19 adapters …$/);
  }).timeout(60_000);

  it("stop when the signal aborts", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(audit([presidents], { signal }), /enough/);
  });

  it("reject an audit of nothing", async () => {
    await assert.rejects(audit([]), /no adapters to audit: expected at least one folder or name/);
  });

  it("aggregate updates round by round, with the state of the round before", async () => {
    const update = (clientId: string, ...numbers: number[]): Update => ({
      clientId,
      numExamples: 1,
      delta: new Map([["w", { shape: [numbers.length], data: Float64Array.from(numbers) }]]),
      metrics: {},
    });
    const updates = [update("a", 1, 2), update("b", 3, 6), update("c", NaN, 0), update("d", 1)];
    const first = await aggregate(updates, { aggregator: "fedavg" });
    assert.deepEqual(
      first.verdicts.map(({ clientId, status }) => [clientId, status]),
      [
        ["c", "invalid"],
        ["d", "invalid"],
      ],
    );
    const second = await aggregate(updates, { aggregator: "fedavg", state: first.state });
    assert.deepEqual([first.state.round, second.state.round], [1, 2]);
    await assert.rejects(
      aggregate(updates, { aggregator: "krum", state: first.state }),
      /the state belongs to aggregator 'fedavg', not 'krum'/,
    );
    await assert.rejects(
      aggregate([update("c", NaN)], { aggregator: "fedavg" }),
      /expected at least one update that can be aggregated; c: module w: entry 0 is NaN/,
    );
  });
});
