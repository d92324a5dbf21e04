import assert from "node:assert/strict";
import fc from "fast-check";
import { failure } from "./errors.js";
import { bounds, isName, jsonBytes, printable, printableLines } from "./text.js";

/** Generates text that an attacker could send, rich in control characters and lone surrogates. */
const hostile = fc.string({
  unit: fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    fc.constantFrom("\n", "\r", "\x1b", "\x7f", "\x9b", "\u2028", "\u202e", "\ud800", '"', "\\"),
  ),
  maxLength: 200,
});

describe("printableLines", () => {
  it("leaves line ends and tabs alone, and escapes what else acts on a terminal", () => {
    assert.equal(
      printableLines('a\tb\n"é😀"\r\x1b[2Jc\u2028d\u202e\n'),
      'a\tb\n"é😀"\\u{d}\\u{1b}[2Jc\\u{2028}d\\u{202e}\n',
    );
  });
});

describe("printable", () => {
  it("leaves printable text that fits unchanged", () => {
    for (const text of ["", "plain", "naïve Größe 東京 😀", 'a "quoted" \\ path']) {
      assert.equal(printable(text, 100), text);
    }
  });

  it("escapes characters that would forge a line, move the cursor or reverse the text direction", () => {
    assert.equal(
      printable("a\nb\x1b[31mc\x7fd\x9be\u2028f\u202eg\ud800h\u{e0041}", 1000),
      "a\\nb\\u{1b}[31mc\\u{7f}d\\u{9b}e\\u{2028}f\\u{202e}g\\u{d800}h\\u{e0041}",
    );
  });

  it("cuts long text and counts the ellipsis in the limit", () => {
    assert.equal(printable("abcdefgh", 8), "abcdefgh");
    assert.equal(printable("abcdefghi", 8), "abcde…");
    // A quote is two bytes in JSON: six fit into 12 bytes, and two with an ellipsis into 8.
    assert.equal(printable('""""""', 12), '""""""');
    assert.equal(printable('"""""""', 8), '""…');
    assert.equal(printable("東東東", 8), "東…");
    assert.equal(printable("abc\n\n", 6), "abc…", "an escape is not cut in two");
  });

  it("returns one bounded line, and returns it unchanged when called again", () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 3, max: 80 }), (text, most) => {
        const result = printable(text, most);
        assert.ok(jsonBytes(result) <= most + 2, "too long");
        assert.ok(!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(result), "unprintable");
        assert.equal(printable(result, most), result, "not the same on a second call");
      }),
    );
  });

  it("stops reading a long text at the limit", () => {
    let read = 0;
    const endless = {
      *[Symbol.iterator]() {
        for (;;) {
          read++;
          yield "x";
        }
      },
    };
    assert.equal(printable(endless as unknown as string, 10), "xxxxxxx…");
    assert.equal(read, 11);
  });

  it("bounds a failure's message", () => {
    const { code, message } = failure("CLIENT_ERROR", "é\n".repeat(1e6));
    assert.equal(code, "CLIENT_ERROR");
    assert.ok(message.startsWith("é\\né\\n") && message.endsWith("…"));
    assert.ok(jsonBytes(message) <= bounds.failureBytes + 2);
  });
});

describe("isName", () => {
  it("accepts 128 printable characters of any script", () => {
    for (const name of [
      "",
      "loss",
      "x".repeat(128),
      "😀".repeat(128),
      "base.model layers[3]/W_q",
    ]) {
      assert.ok(isName(name), name);
    }
  });

  it("rejects longer names and unprintable characters", () => {
    const bad = [
      "x".repeat(129),
      "😀".repeat(129),
      "a\nb",
      "a\u202eb",
      "a\u200bb",
      "\ud800",
      "\x9b",
    ];
    for (const name of bad) assert.ok(!isName(name), JSON.stringify(name));
  });
});
