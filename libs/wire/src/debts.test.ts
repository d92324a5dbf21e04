import assert from "node:assert/strict";
import { Debts, guesses, knocks } from "./debts.js";

describe("Debts", () => {
  it("are paid off by time, each address its own", () => {
    const debts = new Debts({ costs: 100, lent: 0, most: 1000 });
    debts.count("10.0.0.1", 0);
    debts.count("10.0.0.1", 50);
    debts.count("10.0.0.2", 50);
    assert.deepEqual(
      ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => debts.delay(address, 60)),
      [140, 90, 0],
    );
    assert.equal(debts.delay("10.0.0.1", 201), 0);
    debts.count("10.0.0.1", 500);
    assert.equal(debts.delay("10.0.0.1", 500), 100, "what was paid is no credit");
  });

  it("grow no larger than they may", () => {
    const debts = new Debts({ costs: 100, lent: 0, most: 1000 });
    for (let i = 0; i < 1000; i++) debts.count("10.0.0.1", i);
    assert.equal(debts.delay("10.0.0.1", 999), 1000);
  });

  it("of guesses let an address tell ten wrong tokens, and then ten a minute", () => {
    const debts = new Debts(guesses);
    let told = 0;
    for (let second = 0; second < 60; second += 0.01) {
      if (debts.delay("10.0.0.1", second * 1000) > 0) continue;
      debts.count("10.0.0.1", second * 1000);
      told++;
    }
    assert.ok(told >= 19 && told < 20.5, String(told));
    assert.equal(debts.delay("10.0.0.2", 60_000), 0);
    assert.equal(debts.delay("10.0.0.1", 120_000), 0);
  });

  it("of guesses let an address wait for less than a minute, however many it told at once", () => {
    const debts = new Debts(guesses);
    for (let i = 0; i < 1000; i++) debts.count("10.0.0.1", 0);
    assert.ok(debts.delay("10.0.0.1", 30_000) > 0);
    assert.equal(debts.delay("10.0.0.1", 40_000), 0);
  });

  it("of knocks let 400 in at once, others wait, and turn away whose wait were over two seconds", () => {
    const debts = new Debts(knocks);
    const delays: number[] = [];
    while (!debts.isFull("10.0.0.1", 0)) {
      delays.push(debts.delay("10.0.0.1", 0));
      debts.count("10.0.0.1", 0);
    }
    assert.equal(delays.filter((delay) => delay === 0).length, 401);
    assert.equal(delays.length, 1200);
    assert.equal(delays.at(-1), 1997.5);
  });

  it("are remembered of the newest addresses, of any number", () => {
    const debts = new Debts(guesses);
    for (let i = 0; i < 10; i++) debts.count("first", 0);
    assert.ok(debts.delay("first", 0) > 0);
    for (let i = 0; i < 5000; i++) debts.count(`other ${i}`, 0);
    assert.equal(debts.delay("first", 0), 0);
  });
});
