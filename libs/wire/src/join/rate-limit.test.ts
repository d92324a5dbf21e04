import assert from "node:assert/strict";
import { RateLimiter, guessLimit, attemptLimit } from "./rate-limit.js";

describe("RateLimiter", () => {
  it("decrease with time, separately for each address", () => {
    const limiter = new RateLimiter({ cost: 100, allowance: 0, maximum: 1000 });
    limiter.count("10.0.0.1", 0);
    limiter.count("10.0.0.1", 50);
    limiter.count("10.0.0.2", 50);
    assert.deepEqual(
      ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => limiter.delay(address, 60)),
      [140, 90, 0],
    );
    assert.equal(limiter.delay("10.0.0.1", 201), 0);
    limiter.count("10.0.0.1", 500);
    assert.equal(limiter.delay("10.0.0.1", 500), 100, "paying earns no credit");
  });

  it("do not exceed the maximum", () => {
    const limiter = new RateLimiter({ cost: 100, allowance: 0, maximum: 1000 });
    for (let i = 0; i < 1000; i++) limiter.count("10.0.0.1", i);
    assert.equal(limiter.delay("10.0.0.1", 999), 1000);
  });

  it("allow ten wrong tokens of an address, and then ten a minute", () => {
    const limiter = new RateLimiter(guessLimit);
    let sent = 0;
    for (let second = 0; second < 60; second += 0.01) {
      if (limiter.delay("10.0.0.1", second * 1000) > 0) continue;
      limiter.count("10.0.0.1", second * 1000);
      sent++;
    }
    assert.ok(sent >= 19 && sent < 20.5, String(sent));
    assert.equal(limiter.delay("10.0.0.2", 60_000), 0);
    assert.equal(limiter.delay("10.0.0.1", 120_000), 0);
  });

  it("make an address wait for less than a minute, however many wrong tokens it sent at once", () => {
    const limiter = new RateLimiter(guessLimit);
    for (let i = 0; i < 1000; i++) limiter.count("10.0.0.1", 0);
    assert.ok(limiter.delay("10.0.0.1", 30_000) > 0);
    assert.equal(limiter.delay("10.0.0.1", 40_000), 0);
  });

  it("allow 400 connections at once, delay further ones, and reject those that would wait over two seconds", () => {
    const limiter = new RateLimiter(attemptLimit);
    const delays: number[] = [];
    while (!limiter.isFull("10.0.0.1", 0)) {
      delays.push(limiter.delay("10.0.0.1", 0));
      limiter.count("10.0.0.1", 0);
    }
    assert.equal(delays.filter((delay) => delay === 0).length, 401);
    assert.equal(delays.length, 1200);
    assert.equal(delays.at(-1), 1997.5);
  });

  it("remember only the newest addresses", () => {
    const limiter = new RateLimiter(guessLimit);
    for (let i = 0; i < 10; i++) limiter.count("first", 0);
    assert.ok(limiter.delay("first", 0) > 0);
    for (let i = 0; i < 5000; i++) limiter.count(`other ${i}`, 0);
    assert.equal(limiter.delay("first", 0), 0);
  });
});
