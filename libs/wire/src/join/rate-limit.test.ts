import assert from "node:assert/strict";
import { Debts, guessLimit, attemptLimit } from "./rate-limit.js";

describe("Debts", () => {
  it("decrease with time, separately for each address", () => {
    const debts = new Debts({ cost: 100, allowance: 0, maximum: 1000 });
    debts.count("10.0.0.1", 0);
    debts.count("10.0.0.1", 50);
    debts.count("10.0.0.2", 50);
    assert.deepEqual(
      ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => debts.delay(address, 60)),
      [140, 90, 0],
    );
    assert.equal(debts.delay("10.0.0.1", 201), 0);
    debts.count("10.0.0.1", 500);
    assert.equal(debts.delay("10.0.0.1", 500), 100, "paying earns no credit");
  });

  it("do not exceed the maximum", () => {
    const debts = new Debts({ cost: 100, allowance: 0, maximum: 1000 });
    for (let i = 0; i < 1000; i++) debts.count("10.0.0.1", i);
    assert.equal(debts.delay("10.0.0.1", 999), 1000);
  });

  it("allow ten wrong tokens of an address, and then ten a minute", () => {
    const debts = new Debts(guessLimit);
    let sent = 0;
    for (let second = 0; second < 60; second += 0.01) {
      if (debts.delay("10.0.0.1", second * 1000) > 0) continue;
      debts.count("10.0.0.1", second * 1000);
      sent++;
    }
    assert.ok(sent >= 19 && sent < 20.5, String(sent));
    assert.equal(debts.delay("10.0.0.2", 60_000), 0);
    assert.equal(debts.delay("10.0.0.1", 120_000), 0);
  });

  it("make an address wait for less than a minute, however many wrong tokens it sent at once", () => {
    const debts = new Debts(guessLimit);
    for (let i = 0; i < 1000; i++) debts.count("10.0.0.1", 0);
    assert.ok(debts.delay("10.0.0.1", 30_000) > 0);
    assert.equal(debts.delay("10.0.0.1", 40_000), 0);
  });

  it("allow 400 connections at once, delay further ones, and reject those that would wait over two seconds", () => {
    const debts = new Debts(attemptLimit);
    const delays: number[] = [];
    while (!debts.isFull("10.0.0.1", 0)) {
      delays.push(debts.delay("10.0.0.1", 0));
      debts.count("10.0.0.1", 0);
    }
    assert.equal(delays.filter((delay) => delay === 0).length, 401);
    assert.equal(delays.length, 1200);
    assert.equal(delays.at(-1), 1997.5);
  });

  it("remember only the newest addresses", () => {
    const debts = new Debts(guessLimit);
    for (let i = 0; i < 10; i++) debts.count("first", 0);
    assert.ok(debts.delay("first", 0) > 0);
    for (let i = 0; i < 5000; i++) debts.count(`other ${i}`, 0);
    assert.equal(debts.delay("first", 0), 0);
  });
});
