import assert from "node:assert/strict";
import { clientOf, recordOf } from "../../testing/run-of.js";
import { findLoss } from "./losses.js";
import { TimeTally } from "./time.js";

const infos = { loss: { better: "lower", description: "" } } as const;

/** Returns the measures of three rounds, which end at 10, 25 and 30 s. */
function measuresOf(
  target: { metric: string; value: number } | undefined,
  evaluations: readonly Record<string, number>[],
  isTimed = true,
): Record<string, number> {
  const tally = new TimeTally(target, infos);
  for (const [i, evaluation] of evaluations.entries()) {
    const client = { ...clientOf("c00", null), evaluation };
    // A contaminated client's numbers do not count.
    const other = { ...clientOf("c01", "flip"), evaluation: { accuracy: 9, loss: -9 } };
    const record = recordOf("fedavg", i + 1, client, other);
    tally.add({ ...record, ...(isTimed && { clock: [10, 25, 30][i] ?? NaN }) });
  }
  return Object.fromEntries(tally.measures("fedavg").map(({ name, value }) => [name, value]));
}

describe("the time of an arm", () => {
  it("covers all rounds, and the first round that reached the target", () => {
    const grown = [{ accuracy: 0.7 }, { accuracy: 0.8 }, { accuracy: 0.75 }];
    assert.deepEqual(measuresOf({ metric: "accuracy", value: 0.8 }, grown), {
      "time.fedavg": 30,
      "target.rounds.fedavg": 2,
      "target.seconds.fedavg": 25,
    });
    assert.deepEqual(measuresOf({ metric: "accuracy", value: 0.9 }, grown), { "time.fedavg": 30 });
    assert.deepEqual(measuresOf(undefined, grown), { "time.fedavg": 30 });
  });

  it("is measured to a falling target if lower is better, and only in rounds without simulated time", () => {
    const fallen = [{ loss: 3 }, { loss: 2 }, { loss: 1 }];
    const target = { metric: "loss", value: 1.5 };
    assert.deepEqual(measuresOf(target, fallen, false), { "target.rounds.fedavg": 3 });
  });

  it("is not counted as a loss if a schedule gives a client up", () => {
    const failure = { code: "STRAGGLER", message: "" } as const;
    assert.equal(findLoss({ ...clientOf("c00", null), failure }), undefined);
  });
});
