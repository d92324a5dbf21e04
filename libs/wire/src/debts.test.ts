import assert from "node:assert/strict";
import { Debts } from "./debts.js";

describe("Debts", () => {
  it("are paid off by time, each address its own", () => {
    const debts = new Debts(1000);
    debts.add("10.0.0.1", 100, 0);
    debts.add("10.0.0.1", 100, 50);
    debts.add("10.0.0.2", 10, 50);
    assert.deepEqual(
      ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => debts.of(address, 60)),
      [140, 0, 0],
    );
    assert.equal(debts.of("10.0.0.1", 201), 0);
    debts.add("10.0.0.1", 100, 500);
    assert.equal(debts.of("10.0.0.1", 500), 100, "what was paid is no credit");
  });

  it("grow no larger than they may", () => {
    const debts = new Debts(1000);
    for (let i = 0; i < 1000; i++) debts.add("10.0.0.1", 100, i);
    assert.equal(debts.of("10.0.0.1", 999), 1000);
  });

  it("are remembered of the newest addresses, of any number", () => {
    const debts = new Debts(1000);
    debts.add("first", 1000, 0);
    for (let i = 0; i < 5000; i++) debts.add(`other ${i}`, 1000, 0);
    assert.deepEqual([debts.of("first", 0), debts.of("other 4999", 0)], [0, 1000]);
  });
});
