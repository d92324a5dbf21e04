import assert from "node:assert/strict";
import { parseYaml } from "@fedclair/core/internal";
import { z } from "zod";
import { clairSchema } from "./index.js";

const parse = (text: string, ...overrides: string[]) =>
  parseYaml({ text, file: "t", what: "options", overrides, hasLines: false }).check(clairSchema);

const ruleOf = (text: string, ...overrides: string[]) => parse(text, ...overrides).rule;

describe("clair's option rule", () => {
  const gap = { by: "gap", minGap: 1.3 };
  const evidence = { by: "evidence", falseAlarmRate: 0.05, undecided: "out" };

  it("is evidence by default, and a bare name is short for a rule with its defaults", () => {
    assert.deepEqual(ruleOf("{}"), evidence);
    assert.deepEqual(ruleOf("rule: gap"), gap);
    assert.deepEqual(ruleOf("rule: { by: gap }"), gap);
    assert.deepEqual(ruleOf("rule: evidence"), evidence);
  });

  it("takes the options of the rule, for the default rule also without its name", () => {
    const text = "rule: { by: evidence, falseAlarmRate: 0.2, undecided: in }";
    assert.deepEqual(ruleOf(text), { by: "evidence", falseAlarmRate: 0.2, undecided: "in" });
    assert.deepEqual(ruleOf("rule: { falseAlarmRate: 0.2 }"), { ...evidence, falseAlarmRate: 0.2 });
  });

  it("stays the same when the checked options are checked again", () => {
    const options = clairSchema.parse({ rule: "evidence" });
    assert.deepEqual(clairSchema.parse(options), options);
  });

  it("can be overridden below a bare name, and below the default", () => {
    const rate = "rule.falseAlarmRate=0.2";
    assert.deepEqual(ruleOf("rule: evidence", rate), { ...evidence, falseAlarmRate: 0.2 });
    assert.deepEqual(ruleOf("rule: { by: evidence }", rate), { ...evidence, falseAlarmRate: 0.2 });
    assert.deepEqual(ruleOf("{}", rate), { ...evidence, falseAlarmRate: 0.2 });
    assert.deepEqual(ruleOf("rule: gap", "rule=evidence", rate), {
      ...evidence,
      falseAlarmRate: 0.2,
    });
  });

  it("is rejected with the rules that there are", () => {
    const names = "gap or evidence";
    const message = `t: rule: expected ${names}, or a mapping as { by: evidence }, got "mad"`;
    assert.throws(() => ruleOf("rule: mad"), { message });
    assert.throws(() => ruleOf("rule: { by: mad }"), {
      message: `t: rule.by: expected ${names}, got "mad"`,
    });
  });

  it("is rejected with a key of another rule, which the error names", () => {
    assert.throws(() => ruleOf("rule: { by: gap, falseAlarmRate: 0.1 }"), {
      message:
        "t: rule: unknown key 'falseAlarmRate' of rule gap: it belongs to { by: evidence, falseAlarmRate: … }",
    });
    assert.throws(() => ruleOf("rule: { by: gap, minGpa: 2 }"), {
      message: "t: rule: unknown key 'minGpa', did you mean 'minGap'?",
    });
  });

  it("has a JSON Schema with the bare names and all options", () => {
    const { properties } = z.toJSONSchema(clairSchema, { io: "input" });
    const text = JSON.stringify(properties?.["rule"]);
    assert.match(text, /"enum":\["gap","evidence"\]/);
    for (const key of ["minGap", "falseAlarmRate", "undecided"]) {
      assert.ok(text.includes(`"${key}":`), key);
    }
  });
});

describe("an option that clair does not have", () => {
  it("is rejected with the nearest names", () => {
    assert.throws(() => parse("{ rnak: 2, memoryBeta: 0.5 }"), {
      message:
        "t: options: unknown key 'rnak', did you mean 'rank'?\n" +
        "t: options: unknown key 'memoryBeta'; expected one of side, rank, rankMax, minBenignFraction, starts, seed, rule, window, screens, centered, models, weighting, groupSize",
    });
  });
});
