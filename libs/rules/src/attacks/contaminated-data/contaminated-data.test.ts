import assert from "node:assert/strict";
import { contaminatedData } from "./index.js";

describe("attack contaminated-data", () => {
  const create = (options: object) => contaminatedData.create(options as never);

  it("passes a kind and its options to the task, and shows the kind in records", () => {
    const options = contaminatedData.schema.parse({ kind: "spike", options: { at: 3 } });
    assert.deepEqual(create(options), {
      label: "spike",
      data: { kind: "spike", options: { at: 3 } },
    });
    assert.deepEqual(contaminatedData.schema.parse({ kind: "spike" })["options"], {});
  });

  it("requires a kind", () => {
    assert.throws(() => contaminatedData.schema.parse({}), /kind/);
  });
});
