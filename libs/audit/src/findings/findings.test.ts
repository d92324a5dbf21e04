import assert from "node:assert/strict";
import { appendFileSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { auditStranger, removeStranger } from "../../testing/stranger.js";
import { audit } from "../audit.js";
import { auditSchema, type AuditOutput } from "../audit-schema.js";
import { parseClairOptions } from "../compare/options.js";
import { writeAuditPage } from "../page/audit-report.js";
import { formatAudit, formatJson } from "../text/audit-text.js";
import { findingCodes, findingKinds, type FindingCode } from "./catalogue.js";

const workspace = fileURLToPath(new URL("../../../../..", import.meta.url));
const options = parseClairOptions([]);

/** Findings that follow from the numbers of a pile. Tests of the comparison have them. */
const byNumbers: readonly FindingCode[] = [
  "contaminated",
  "undecided",
  "invalid",
  "near-copy",
  "hidden-gap",
  "false-alarm-rate",
  "uninformative-modules",
  "begun-in-base",
];

describe("the folder of a stranger", function () {
  this.timeout(60_000);
  let stranger: Awaited<ReturnType<typeof auditStranger>>;
  let output: AuditOutput;
  before(async () => {
    stranger = await auditStranger();
    output = auditSchema.parse(JSON.parse(formatJson(stranger.result, options)));
  });
  after(() => removeStranger(stranger));

  it("has every finding, with its code, level and advice", () => {
    const codes = new Set(output.findings.map(({ code }) => code));
    for (const code of findingCodes) assert.ok(codes.has(code) || byNumbers.includes(code), code);
    for (const { code, level, advice } of output.findings) {
      assert.deepEqual(
        { level, advice },
        { level: findingKinds[code].level, advice: findingKinds[code].advice },
      );
    }
    assert.deepEqual(
      new Set(output.adapters.map(({ status }) => status)),
      new Set(["contaminated", "undecided", "invalid", "benign"]),
    );
  });

  it("says what was found where", () => {
    const details = (wanted: FindingCode) =>
      output.findings
        .filter(({ code }) => code === wanted)
        .flatMap(({ adapters }) => adapters.map(({ name, detail = "" }) => `${name}: ${detail}`));
    const about = "james_buchanan";
    assert.deepEqual(details("imported-code"), [
      `${about}: auto_mapping.parent_library: stranger.models, megatron_core: stranger.core`,
    ]);
    assert.deepEqual(details("custom-code"), [`${about}: run.py, auto_map in config.json`]);
    assert.deepEqual(details("pickle"), [`${about}: adapter_model.bin, optimizer.pt`]);
    assert.deepEqual(details("unjudged-weights"), [`${about}: modules_to_save: ["lm_head"]`]);
    assert.deepEqual(details("other-weights"), [`${about}: model.gguf`]);
    assert.deepEqual(details("only-after-tokens"), [`${about}: [5,6]`]);
    assert.deepEqual(details("tokenizer"), [`${about}: tokenizer.json`]);
    assert.deepEqual(details("no-licence"), [`${about}: `]);
    assert.deepEqual(details("unknown-base"), [`${about}: `]);
    assert.deepEqual(details("several-revisions"), [`${about}: v2`]);
    assert.deepEqual(details("same-file"), ["calvin_coolidge: ", "same-file: "]);
    assert.deepEqual(details("identical"), ["dwight_d_eisenhower: ", "identical: "]);
    assert.deepEqual(details("other-form"), ["form-1: ", "form-2: "]);
  });

  it("is described in text, with the code at the end, and on the page", async () => {
    const text = stripVTControlCharacters(formatAudit(stranger.result, options));
    assert.match(
      text,
      /Warning: Pickled files .*: james_buchanan \(adapter_model\.bin, optimizer\.pt\)\. Delete them.*\[pickle\]\n/,
    );
    const page = join(stranger.root, "page", "report.html");
    await writeAuditPage(page, { audit: stranger.result, options, paths: [] });
    const html = await readFile(page, "utf8");
    for (const { code } of output.findings) {
      assert.ok(text.includes(`[${code}]`) && html.includes(`[${code}]`), code);
    }
    assert.match(html, /<p class="warning">\s*Warning: Code lies beside the adapter/);
  });

  it("has its files hashed, with base, licence and date", () => {
    const { origin } = output.adapters.find(({ name }) => name === "jimmy_carter") ?? assert.fail();
    assert.equal(origin?.licence, "mit");
    assert.equal(origin.base, "HuggingFaceTB/SmolLM2-135M-Instruct");
    assert.match(origin.modified ?? "", /^20\d\d-/);
    assert.deepEqual(
      origin.files.map(({ file, sha256 }) => [file, sha256.length]),
      [
        ["adapter_config.json", 64],
        ["adapter_model.safetensors", 64],
      ],
    );
    const copies = output.adapters.filter(({ name }) => /^(same-file|calvin)/.test(name));
    assert.equal(new Set(copies.map((one) => one.origin?.files[1]?.sha256)).size, 1);
  });
});

describe("an adapter that changes while it is audited", () => {
  it("ends the audit", async () => {
    const root = await mkdtemp(join(tmpdir(), "changed-"));
    const pile = join(workspace, "libs/audit/fixtures/adapters/presidents");
    for (const name of ["john_tyler", "jimmy_carter", "james_monroe"]) {
      await cp(join(pile, name), join(root, name), { recursive: true });
    }
    const onProgress = () => {
      appendFileSync(join(root, "john_tyler", "adapter_config.json"), " ");
    };
    await assert.rejects(
      audit([root], { onProgress }),
      /john_tyler\/adapter_config\.json' changed while it was audited: audit it again/,
    );
    await rm(root, { recursive: true });
  });
});

describe("docs/findings.md", () => {
  it("has a row for each code", () => {
    const text = readFileSync(join(workspace, "docs/findings.md"), "utf8");
    const rows = [...text.matchAll(/^\| `([\w-]+)` +\| (\w+) +\| (.*?) +\| (.*?) +\|$/gm)];
    assert.deepEqual(
      rows.map(([, code, level, title, advice]) => ({ code, level, title, advice })),
      findingCodes.map((code) => ({ code, ...findingKinds[code] })),
    );
  });
});
