import assert from "node:assert/strict";
import { Guesses } from "./guesses.js";

describe("Guesses", () => {
  it("lets an address tell ten wrong tokens, and then ten a minute", () => {
    const guesses = new Guesses();
    let told = 0;
    for (let second = 0; second < 60; second += 0.01) {
      if (guesses.areTooMany("10.0.0.1", second * 1000)) continue;
      guesses.count("10.0.0.1", second * 1000);
      told++;
    }
    assert.ok(told >= 19 && told < 20.5, String(told));
    assert.ok(!guesses.areTooMany("10.0.0.2", 60_000));
    assert.ok(!guesses.areTooMany("10.0.0.1", 120_000));
  });

  it("lets an address wait for less than a minute, however many it told at once", () => {
    const guesses = new Guesses();
    for (let i = 0; i < 1000; i++) guesses.count("10.0.0.1", 0);
    assert.ok(guesses.areTooMany("10.0.0.1", 30_000));
    assert.ok(!guesses.areTooMany("10.0.0.1", 40_000));
  });

  it("remembers the newest addresses, of any number", () => {
    const guesses = new Guesses();
    for (let i = 0; i < 10; i++) guesses.count("first", 0);
    assert.ok(guesses.areTooMany("first", 0));
    for (let i = 0; i < 5000; i++) guesses.count(`other ${i}`, 0);
    assert.ok(!guesses.areTooMany("first", 0));
  });
});
