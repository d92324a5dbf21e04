import assert from "node:assert/strict";
import { attacks } from "../index.js";
import { create } from "../../testing/updates.js";

describe("attack declared", () => {
  it("does nothing, and is called in records what the trial calls it", () => {
    assert.deepEqual(create("declared"), { label: "declared", isDeclared: true });
    const named = create("declared", { kind: "random targets" });
    assert.deepEqual(named, { label: "random targets", isDeclared: true });
  });

  it("takes no name that would not fit a table", () => {
    assert.equal(attacks.get("declared")?.schema.safeParse({ kind: "" }).success, false);
  });
});
