import assert from "node:assert/strict";
import { measureNorm } from "../modules.js";
import { applyAttack } from "@fedclair/core/testing";
import { attackedRounds, create, f64, update } from "../../../testing/attacks/updates.js";

const dense = (clientId: string, ...values: number[]) =>
  update(clientId, { m: f64([values.length], ...values) });

describe("free-rider", () => {
  const own = [dense("a", 5, 5)];

  it("sends no change as `zero`", async () => {
    assert.deepEqual(await applyAttack(create("free-rider"), own, []), [dense("a", 0, 0)]);
  });

  it("sends noise of a hundredth of the median honest norm as `noise`", async () => {
    const honest = [dense("h", 3, 4)];
    const [sent] = await applyAttack(create("free-rider", { kind: "noise" }), own, honest);
    const norm = measureNorm(sent?.delta.get("m") ?? assert.fail());
    assert.ok(Math.abs(norm - 0.05) < 1e-15);
  });

  it("sends the honest mean of the previous round as `last`", () => {
    const attack = create("free-rider", { kind: "last" });
    const rounds = [
      [dense("h1", 1, 0), dense("h2", 3, 2)],
      [dense("h1", 9, 9)],
      [],
      [dense("h1", 1, 1)],
    ];
    const round = rounds.map((honest) => ({ own, honest }));
    const sent = attackedRounds(attack, round).map(([update]) => update);
    assert.deepEqual(sent, [
      dense("a", 0, 0),
      dense("a", 2, 1),
      dense("a", 9, 9),
      dense("a", 0, 0), // the previous round had no honest update
    ]);
  });
});
