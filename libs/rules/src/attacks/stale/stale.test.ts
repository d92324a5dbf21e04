import assert from "node:assert/strict";
import { attackedRounds, create, f64, update } from "../../../testing/attacks/updates.js";

const sends = (clientId: string, value: number) => update(clientId, { m: f64([1], value) });

describe("stale", () => {
  it("sends each client's own update from `delay` of its rounds earlier, and no change before", () => {
    const attack = create("stale", { delay: 2 });
    // b misses the second round.
    const rounds = [
      [sends("a", 1), sends("b", 10)],
      [sends("a", 2)],
      [sends("a", 3), sends("b", 30)],
      [sends("a", 4), sends("b", 40)],
    ];
    const sent = attackedRounds(
      attack,
      rounds.map((own) => ({ own, honest: [] })),
    );
    assert.deepEqual(sent, [
      [sends("a", 0), sends("b", 0)],
      [sends("a", 0)],
      [sends("a", 1), sends("b", 0)],
      [sends("a", 2), sends("b", 10)],
    ]);
  });
});
