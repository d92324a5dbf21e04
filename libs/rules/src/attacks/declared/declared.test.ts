import assert from "node:assert/strict";
import { attacks, create } from "../../../testing/attacks/updates.js";

describe("attack declared", () => {
  it("does nothing, and appears in records under the kind in the trial", () => {
    assert.deepEqual(create("declared"), { label: "declared", labelOnly: true });
    const named = create("declared", { kind: "random targets" });
    assert.deepEqual(named, { label: "random targets", labelOnly: true });
  });

  it("rejects a kind that would not fit a table", () => {
    assert.equal(attacks.get("declared")?.schema.safeParse({ kind: "" }).success, false);
  });
});
