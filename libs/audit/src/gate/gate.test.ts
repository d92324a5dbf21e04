import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import draft4 from "ajv/lib/refs/json-schema-draft-04.json" with { type: "json" };
import { auditStranger, removeStranger } from "../../testing/stranger.js";
import type { Audit } from "../audit-schema.js";
import { parseClairOptions } from "../compare/options.js";
import { formatJson } from "../text/audit-text.js";
import { formatStep, listNextSteps } from "../text/next-steps.js";
import { listFailures, readBaseline } from "./gate.js";
import { formatSarif } from "./sarif.js";
import { formatSummary } from "./summary.js";

const schema = fileURLToPath(new URL("../../../fixtures/sarif-2.1.0.json", import.meta.url));
const options = parseClairOptions([]);

interface Log {
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
    readonly results: readonly {
      readonly ruleId: string;
      readonly level: string;
      readonly baselineState?: string;
      readonly message: { readonly text: string };
      readonly locations: readonly {
        readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } };
      }[];
    }[];
  }[];
}

describe("the gate", function () {
  this.timeout(60_000);
  let stranger: Awaited<ReturnType<typeof auditStranger>>;
  before(async () => {
    stranger = await auditStranger();
  });
  after(() => removeStranger(stranger));

  /** Writes an output of --json, and reads it as a baseline. */
  const baselineOf = async (result: Audit) => {
    const file = join(stranger.root, "baseline.json");
    await writeFile(file, formatJson(result, options));
    return readBaseline(file);
  };
  const sarif = (audit: Audit, more: Partial<Parameters<typeof formatSarif>[2]> = {}) => {
    const text = formatSarif(audit, options, { version: "1.2.3", folder: stranger.root, ...more });
    const ajv = new Ajv({ schemaId: "id", meta: false, unknownFormats: "ignore" });
    ajv.addMetaSchema(draft4);
    const log = JSON.parse(text) as Log;
    const isValid = ajv.validate(JSON.parse(readFileSync(schema, "utf8")) as object, log);
    assert.ok(isValid, ajv.errorsText());
    return log.runs[0] ?? assert.fail();
  };

  it("fails for what is asked", () => {
    const fails = (...on: Parameters<typeof listFailures>[2]) =>
      listFailures(stranger.result, options, on);
    assert.deepEqual(fails(), []);
    assert.deepEqual(
      fails("contaminated"),
      [1, 2, 3, 4].map((k) => `bad-random-${k} is contaminated`),
    );
    assert.ok(fails("invalid").includes("john_tyler is invalid"));
    assert.ok(fails("undecided").includes("bad-trigger is undecided"));
    const all = fails("finding");
    for (const one of ["john_tyler is invalid", "pickle: james_buchanan", "many-stand-out"]) {
      assert.ok(all.includes(one), one);
    }
    assert.ok(!all.some((one) => one.startsWith("tokenizer"))); // a note
  });

  it("lets adapters of the baseline pass, unless their files have changed", async () => {
    const { result } = stranger;
    const baseline = await baselineOf(result);
    const names = (audit: Audit) =>
      listFailures(audit, options, ["contaminated", "finding"], baseline);
    // What could not be read has the same hashes as well.
    assert.deepEqual(names(result), []);
    const adapters = result.adapters.map((one) =>
      one.name === "bad-random-2" && one.origin
        ? {
            ...one,
            origin: {
              ...one.origin,
              files: one.origin.files.map((file) => ({ ...file, sha256: "0" })),
            },
          }
        : one,
    );
    assert.deepEqual(names({ ...result, adapters }), ["bad-random-2 is contaminated"]);
    const summary = formatSummary(result, options, "passed", baseline);
    assert.match(summary, /\n\nIn the baseline, so no reason to fail: bad-random-1, bad-random-2/);
    const states = sarif({ ...result, adapters }, { baseline }).results.map(
      ({ message, baselineState }) => [message.text.includes("bad-random-2"), baselineState],
    );
    assert.ok(states.every(([isOne, state]) => state === (isOne === true ? "new" : "unchanged")));
  });

  it("rejects a baseline that is something else", async () => {
    const file = join(stranger.root, "other.json");
    for (const text of ["{", "{}", '{"adapters":[{"origin":1}],"findings":[]}']) {
      await writeFile(file, text);
      assert.throws(
        () => readBaseline(file),
        /--baseline: '.*other\.json': expected the output of fedclair audit --json/,
      );
    }
    assert.throws(
      () => readBaseline("none.json"),
      /--baseline: cannot read 'none\.json' \(ENOENT\)/,
    );
  });

  it("writes SARIF that is valid by the schema, with a result for each adapter and finding", () => {
    const { tool, results } = sarif(stranger.result);
    const found = results.filter(({ ruleId }) => ruleId === "contaminated");
    assert.deepEqual(
      found.map(({ level, locations }) => [
        level,
        locations[0]?.physicalLocation.artifactLocation.uri,
      ]),
      [1, 2, 3, 4].map((k) => ["error", `bad-random-${k}/adapter_config.json`]),
    );
    assert.match(
      found[0]?.message.text ?? "",
      /^bad-random-1 is contaminated: moves together .*Do not merge/,
    );
    const codes = new Set(results.map(({ ruleId }) => ruleId));
    assert.deepEqual(new Set(tool.driver.rules.map(({ id }) => id)), codes);
    for (const code of ["invalid", "undecided", "pickle", "same-file", "many-stand-out"]) {
      assert.ok(codes.has(code), code);
    }
    const outside = sarif(stranger.result, { folder: join(stranger.root, "elsewhere") });
    assert.match(
      outside.results[0]?.locations[0]?.physicalLocation.artifactLocation.uri ?? "",
      /^file:\/\/\/.*adapter_config\.json$/,
    );
  });

  it("leaves siblings out, and gives the address of an adapter on a hub", () => {
    const hub = {
      repo: "a/b",
      revision: "main",
      commit: "c",
      page: "https://hub/a/b/blob/c",
      isSibling: false,
    };
    const origins = new Map([
      ["bad-random-1", { ...hub, isSibling: true }],
      ["bad-random-2", hub],
    ]);
    const adapters = stranger.result.adapters.map((one) => {
      const own = origins.get(one.name);
      return own && one.origin ? { ...one, origin: { ...one.origin, hub: own } } : one;
    });
    const result = { ...stranger.result, adapters };
    assert.ok(
      !listFailures(result, options, ["contaminated"]).includes("bad-random-1 is contaminated"),
    );
    const [leave] = listNextSteps(result, options).map(formatStep);
    assert.equal(leave, "Leave these out: bad-random-2 bad-random-3 bad-random-4");
    const { results } = sarif(result);
    assert.ok(results.every(({ message }) => !message.text.startsWith("bad-random-1 ")));
    assert.ok(
      results.some(
        ({ locations: [place] }) =>
          place?.physicalLocation.artifactLocation.uri ===
          "https://hub/a/b/blob/c/adapter_config.json",
      ),
    );
  });

  it("writes a summary in Markdown in which names are no markup", () => {
    const [first, ...others] = stranger.result.adapters;
    const adapters = [
      {
        ...(first ?? assert.fail()),
        name: "x](http://evil)<b>|@all\n# y",
        status: "contaminated" as const,
      },
      ...others,
    ];
    const text = formatSummary({ ...stranger.result, adapters }, options, "failed");
    assert.match(text, /^## Audit of 17 adapters: failed\n\n\d of 17 adapters are contaminated/);
    assert.match(text, /### What to do next\n\n- Leave these out: .*bad-random-2/);
    assert.match(text, /\n\| adapter \| status \| score \|/);
    assert.match(text, /- \*\*warning\*\* `pickle`: Pickled files/);
    assert.match(text, /x\\\]\(http&#58;\/\/evil\)&lt;b>\\\|&#64;all\\\\n\\# y/);
    assert.ok(!text.includes("\n# y"));
    assert.doesNotMatch(text, /In the baseline/);
  });

  it("says what to do next", () => {
    const steps = listNextSteps(stranger.result, options).map(formatStep);
    assert.deepEqual(steps.slice(0, 2), [
      "Leave these out: bad-random-1 bad-random-2 bad-random-3 bad-random-4",
      "Repair these, or leave them out: form-1 form-2 john_tyler",
    ]);
    assert.match(steps[2] ?? "", /^Look at these, or train more .*: bad-trigger$/);
    assert.match(steps[3] ?? "", /^Leave out these copies of others: .*identical/);
    const [group = []] = stranger.result.identical;
    const kept = group.at(-1) ?? assert.fail();
    const copies = listNextSteps(stranger.result, options, ({ name }) => name === kept)
      .map(formatStep)
      .find((text) => text.startsWith("Leave out these copies"));
    assert.doesNotMatch(copies ?? "", new RegExp(`\\b${kept}( |$)`));
    assert.match(copies ?? "", new RegExp(`\\b${group[0] ?? ""}( |$)`));
    const few = { ...stranger.result, adapters: stranger.result.adapters.slice(4, 7) };
    assert.match(
      listNextSteps(few, options).map(formatStep).at(-1) ?? "",
      /^Add \d or more adapters of the same base.*benign\.$/,
    );
    const [one] = stranger.result.adapters;
    const spaced = {
      ...stranger.result,
      adapters: [{ ...(one ?? assert.fail()), name: "it's $x", status: "contaminated" as const }],
    };
    assert.equal(
      formatStep(listNextSteps(spaced, options)[0] ?? assert.fail()),
      String.raw`Leave these out: 'it'\''s $x'`,
    );
  });
});
