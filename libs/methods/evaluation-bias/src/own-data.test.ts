import assert from "node:assert/strict";
import {
  createTask,
  numbersOf,
  ownDataRng,
  trainClient,
  useDataFolder,
} from "@fedclair/tasks/testing";
import { evaluationBias } from "./task.js";

describe("own data", () => {
  const folder = useDataFolder();

  it("of evaluation-bias are standardised by the reference group, and split by panel", async () => {
    const people = Array.from({ length: 40 }, (_, i) => [
      ["m", "p", i % 2 === 0 ? 50 : 70],
      ["w", i % 2 === 0 ? "p" : "q", 60],
    ]).flat();
    const file = await folder.writeRows([["sex", "panel", "score"], ...people]);
    const source = { file, columns: { group: "sex", panel: "panel" } };
    const options = { source, reference: "m", minCount: 1, lo: -2, hi: 2, bins: 10 };
    const task = await createTask(evaluationBias, options);
    const { result } = await trainClient(task, 0, 1, "reference");
    // Men have -1 and 1, which are in the third and in the eighth bin.
    const counts = numbersOf(result, "counts");
    assert.deepEqual(counts, [0, 0, 20, 0, 0, 0, 0, 20, 0, 0]);
    const { ask } = await task.start({ clientIds: ["c0"], rng: ownDataRng });
    assert.equal(ask?.phase, "reference");
    assert.throws(() => evaluationBias.schema.parse({ source }), /value of column 'sex'/);
    await assert.rejects(createTask(evaluationBias, { ...options, reference: "x" }), /got m, w/);
  });
});
