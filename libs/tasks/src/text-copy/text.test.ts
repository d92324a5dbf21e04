import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import { textCorpus, toTokens } from "./text.js";

describe("text corpus", () => {
  it("has tokens for letters, space, comma, point, apostrophe, hyphen, and 0 for every digit", () => {
    const alphabet = "abcdefghijklmnopqrstuvwxyz ,.'-0";
    const read = [...toTokens("  Él’s (1,790)\n– “no”! ")].map((token) => alphabet[token]);
    assert.equal(read.join(""), "el's 0,000 - no");
  });

  it("draws training and held-out stretches from parts that do not overlap", async () => {
    // The 80 a's are trained on, and the 20 b's held out.
    const documents = [{ label: "x", text: "a".repeat(80) + "b".repeat(20) }];
    const corpus = textCorpus({
      title: "a test",
      count: () => 1,
      read: () => Promise.resolve(documents),
    });
    const { open } = await corpus.load();
    const source = open({ index: 0, count: 1, rng: stream(1) });
    assert.deepEqual(new Set(source.sequences("training", 100)), new Set([0]));
    assert.deepEqual(new Set(source.sequences("heldOut", 100)), new Set([1]));
    assert.deepEqual(source.sequences("training", 3).length, 18);
  });

  it("rejects a text that is too short to hold anything out", async () => {
    const documents = [{ label: "stub", text: "hello" }];
    const corpus = textCorpus({
      title: "a test",
      count: () => 1,
      read: () => Promise.resolve(documents),
    });
    await assert.rejects(corpus.load(), /a test: stub has only 5 usable characters/);
  });
});
