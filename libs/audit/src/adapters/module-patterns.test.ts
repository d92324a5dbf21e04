import assert from "node:assert/strict";
import { findPatternFault, matchPatterns } from "./module-patterns.js";

const name = "model.layers.0.self_attn.q_proj";

const matches = (pattern: string, module = name): boolean => {
  assert.equal(findPatternFault([pattern]), undefined, pattern);
  return matchPatterns({ [pattern]: 1 }, [module], "alpha_pattern").has(module);
};

describe("patterns of module names", () => {
  it("matches names and regular expressions as PEFT does", () => {
    for (const [pattern, expected] of [
      ["q_proj", true],
      ["self_attn.q_proj", true],
      ["self_attn\\.q_proj", true],
      ["self.attn.q.proj", true],
      ["self\\.attn.q_proj", false],
      ["attn.q_proj", false],
      ["roj", false],
      ["q_proj.", false],
      [`^${name}`, true],
      ["^q_proj", false],
      ["^model", false],
      ["layers\\.(0|1)\\..*", true],
      ["layers\\.[1-9]\\..*", false],
      ["\\Amodel\\.layers\\.\\d+\\.self_attn\\.q_proj\\Z", true],
      ["(?:k|v)_proj|q_proj", true],
      ["[^.]+_proj", true],
      ["(?i:Q_PROJ)", true],
      ["(?P<part>q)_proj", true],
      ["[]q]_proj", true],
    ] as const) {
      assert.equal(matches(pattern), expected, pattern);
    }
  });

  it("takes the first pattern that matches", () => {
    const patterns = { "layers.0.q": 1, ".*q": 2, q: 3 };
    const values = matchPatterns(patterns, ["layers.0.q", "layers.1.q", "k"], "alpha_pattern");
    assert.deepEqual(Object.fromEntries(values), { "layers.0.q": 1, "layers.1.q": 2 });
  });

  it("refuses what RE2 cannot match in linear time or Python reads differently", () => {
    for (const pattern of [
      "([a-z]+)\\1",
      "(?P<n>q)(?P=n)",
      "(?=q)q_proj",
      "(?<!x)q_proj",
      "q_proj[",
      "q{,3}_proj",
      "[[:alpha:]]_proj",
      "\\Qq_proj\\E",
      "\\pL_proj",
    ]) {
      const fault = findPatternFault(["k_proj", pattern]);
      assert.equal(fault?.pattern, pattern);
      assert.match(fault.message, /^expected module names or regular expressions without backref/);
    }
  });

  it("matches patterns in linear time that keep a backtracking engine busy", () => {
    for (const pattern of ["([a-z0-9_.]+)+!", "(.*a){20}!", "(a|aa)+(a|aa)+!"]) {
      const since = performance.now();
      assert.equal(matches(pattern, `model.${"a".repeat(5000)}`), false);
      assert.ok(performance.now() - since < 1000, pattern);
    }
  });

  it("refuses patterns that take long to compile or to match", () => {
    const long = findPatternFault([`(?:${"a?".repeat(450)}){1000}`]);
    assert.match(long?.message ?? "", /at most 20000 characters .* written out, got 910000/);
    assert.ok((long?.pattern.length ?? 100) < 100);
    const many = Array.from({ length: 3000 }, (_, i) => `(${i})${"q".repeat(100)}`);
    assert.match(findPatternFault(many)?.message ?? "", /at most 200000 characters/);
    const modules = Array.from({ length: 100_000 }, (_, i) => `model.layers.${i}.q_proj`);
    const patterns = Object.fromEntries(many.slice(0, 1000).map((pattern) => [pattern, 1]));
    assert.throws(
      () => matchPatterns(patterns, modules, "rank_pattern"),
      /^UserError: rank_pattern: expected fewer or shorter patterns for 100000 modules/,
    );
  });
});
