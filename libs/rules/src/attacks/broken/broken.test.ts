import assert from "node:assert/strict";
import { deltaShape, type Shapes } from "@fedclair/core";
import { admitUpdate } from "@fedclair/core/internal";
import { anyUpdate, applyAttack } from "@fedclair/core/testing";
import { create } from "../../../testing/attacks/updates.js";

describe("attack broken", () => {
  const honest = anyUpdate("h1");
  const shapes: Shapes = new Map(
    [...honest.delta].map(([name, module]) => [name, { shape: deltaShape(module), dtype: "f64" }]),
  );
  const brokenBy = async (kind: string) => {
    const [update] = await applyAttack(create("broken", { kind }), [anyUpdate("a1")], [honest]);
    return update && admitUpdate(update, shapes);
  };

  it("sends updates that must be rejected", async () => {
    assert.equal(admitUpdate(honest, shapes), undefined);
    assert.equal((await brokenBy("nan"))?.code, "NON_FINITE");
    assert.equal((await brokenBy("shape"))?.code, "WRONG_SHAPE");
  });

  it("fails with a reason", async () => {
    await assert.rejects(brokenBy("crash"), /the client is broken/);
  });

  it("never answers", async () => {
    const pending = Symbol("pending");
    const first = await Promise.race([
      brokenBy("silent"),
      new Promise((done) => setImmediate(done, pending)),
    ]);
    assert.equal(first, pending);
  });
});
