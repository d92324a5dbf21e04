import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { VerdictStatus } from "@fedclair/core";
import { parseClairOptions } from "../compare/options.js";
import type { AdapterFinding, Audit } from "../audit-schema.js";
import { formatAudit } from "../text/audit-text.js";
import { renderAuditPage } from "./audit-page.js";
import { createModuleLabels } from "./module-labels.js";
import { writeAuditPage } from "./audit-report.js";

/**
 * Creates an audit in which every fourth adapter is contaminated and adapters of one status are
 * similar.
 */
function createAudit(count: number, modules: number, own: Partial<Audit> = {}): Audit {
  const names = Array.from({ length: count }, (_, k) => `adapter-${k}`);
  const isBad = (k: number) => k % 4 === 0;
  const adapters = names.map((name, k): AdapterFinding => {
    const wobble = ((k * 7) % 11) / 100;
    const status: VerdictStatus = isBad(k) ? "contaminated" : "benign";
    const size = (isBad(k) ? 2 : 1) + wobble;
    return {
      name,
      status,
      score: isBad(k) ? 14 + wobble : 2 * wobble,
      evidence: [
        { kind: "agreement", statistic: isBad(k) ? 0.02 : 0.2, deviations: isBad(k) ? 8 : wobble },
        { kind: "size", statistic: 10 * size, deviations: isBad(k) ? 6 : wobble },
        { kind: "clique", statistic: isBad(k) ? 0.6 : wobble, deviations: 0 },
      ],
      modules: Array.from({ length: modules }, (_, m) => ({
        module: `base_model.model.layers.${m}.q_proj`,
        ratio: isBad(k) ? 5 + ((k + m) % 5) : 0.7 + ((k * 7 + m * 5) % 11) / 20,
      })),
    };
  });
  const cosines = names.map((_, i) =>
    names.map((_, j) => (i === j ? 1 : isBad(i) === isBad(j) ? (isBad(i) ? 0.7 : 0.2) : 0)),
  );
  return {
    adapters,
    detection: true,
    threshold: 9,
    usualBelow: 5,
    gap: 2,
    alike: { names, cosines },
    ranks: Object.fromEntries(adapters[0]?.modules.map(({ module }) => [module, 2]) ?? []),
    uninformative: [],
    ignored: [],
    dora: [],
    begunInBase: [],
    identical: [],
    nearCopies: [],
    otherForms: [],
    ownStarts: [],
    startGroups: [],
    bases: ["a/base"],
    skipped: [],
    checkpoints: [],
    ...own,
  };
}

function without<T extends object, K extends keyof T>(whole: T, key: K): Omit<T, K> {
  const rest = { ...whole };
  Reflect.deleteProperty(rest, key);
  return rest;
}

describe("the audit page", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "page-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  async function renderPage(audit: Audit, set: readonly string[] = []): Promise<string> {
    const file = join(root, "new", "report.html");
    await writeAuditPage(file, { audit, options: parseClairOptions(set), paths: ["my-adapters"] });
    return readFile(file, "utf8");
  }

  /** A page without its script, which is inside it, and whose code may say anything. */
  const withoutScript = (page: string) => page.replace(/<script>[^]*?<\/script>/, "");

  const titles = (page: string) => [...page.matchAll(/<h2>(.*)<\/h2>/g)].map(([, title]) => title);

  it("is self-contained and has the same sentences as the terminal", async () => {
    const audit = createAudit(12, 4, { dora: ["adapter-1"], bases: ["a/base", "b/base"] });
    const page = await renderPage(audit, ["rank=3"]);
    assert.doesNotMatch(withoutScript(page), /<script|<link|<img|src=|href="(?!#)|url\((?!#)/);
    assert.deepEqual(titles(page), [
      "Scores against the threshold",
      "Adapters",
      "Evidence",
      "Adapters by module",
      "Similarity of adapters",
    ]);
    assert.equal(withoutScript(page).match(/<figure/g)?.length, 4);
    const output = stripVTControlCharacters(formatAudit(audit, parseClairOptions(["rank=3"])));
    const sentences = output.split("\n\n")[1]?.trim().split("\n") ?? [];
    assert.equal(sentences.length, 5);
    assert.equal(sentences[0], "3 of 12 contaminated: adapter-0, adapter-4, adapter-8");
    for (const sentence of sentences) assert.ok(page.includes(`>${sentence}</p>`), sentence);
    assert.match(page, /<p class="warning">Warning: the adapters name 2 bases/);
    assert.match(page, /<dd>rank: 3<\/dd>/);
    assert.match(page, /rankMax: 8/);
    assert.match(
      page,
      /adapter-0, adapter-4, adapter-8 \(contaminated\) have a median cosine of 0.70, the benign adapters of 0.20\./,
    );
  });

  it("shows name and value of the dot under the pointer", async () => {
    const page = await renderPage(createAudit(12, 1));
    assert.match(page, /<title>adapter-4: agreement 8\.00<\/title>/);
    assert.match(page, /<title>adapter-4: size 6\.00<\/title>/);
    assert.match(page, /<title>adapter-4: score 14\.\d, contaminated<\/title>/);
    assert.match(page, />threshold 9</);
    assert.match(page, /<title>adapter-4, adapter-8: 0\.700<\/title>/);
  });

  it("keeps the copy that is in the baseline", () => {
    const { adapters } = createAudit(12, 1);
    const files = [{ file: "adapter_model.safetensors", bytes: 1, sha256: "5" }];
    const audit = createAudit(12, 1, {
      adapters: adapters.map((one) =>
        one.name === "adapter-2" ? { ...one, origin: { folder: "two", files } } : one,
      ),
      identical: [["adapter-1", "adapter-2"]],
    });
    const input = { audit, options: parseClairOptions([]), paths: ["my-adapters"] };
    const copies = "Leave out these copies of others";
    assert.match(renderAuditPage(input, [], []), new RegExp(`${copies}: <code><span>adapter-2<`));
    const baseline = {
      contents: new Set(["adapter_model.safetensors 5"]),
      codes: new Set<string>(),
    };
    const page = renderAuditPage({ ...input, baseline }, [], []);
    assert.match(page, new RegExp(`${copies}: <code><span>adapter-1<`));
  });

  it("reports adapters that started from another A₀, in groups or alone", async () => {
    const groups = [
      ["a", "b", "c"],
      ["d", "e"],
    ];
    const page = await renderPage(createAudit(8, 1, { startGroups: groups, ownStarts: ["f"] }));
    assert.match(
      page,
      /The adapters started from 2 different A₀: 3 \(a, b, c\); 2 \(d, e\)\..* audit each group separately\./,
    );
    assert.match(page, /1 adapter started from an A₀ of its own, unlike the others: f\./);
    await rm(join(root, "new"), { recursive: true });
    const audit = createAudit(8, 1);
    const all = audit.adapters.map(({ name }) => name);
    const each = await renderPage({ ...audit, ownStarts: all });
    assert.match(each, /Every adapter started from an A₀ of its own\./);
  });

  it("escapes names and reasons, including control characters", async () => {
    const evil = `<img src=x onerror="alert('1')">&\u001b[31m\u202e`;
    const audit = createAudit(8, 2, { ignored: [evil], skipped: [evil] });
    const [first, second, ...rest] = audit.adapters;
    assert.ok(first && second);
    const modules = [{ module: evil, ratio: 2 }];
    const adapters: AdapterFinding[] = [
      { ...first, name: evil, modules },
      { ...second, status: "invalid", score: null, modules: [], evidence: [], reason: evil },
      ...rest.map((one) => ({ ...one, modules })),
    ];
    const names = [evil, ...(audit.alike?.names.slice(1) ?? [])];
    const alike = { names, cosines: audit.alike?.cosines ?? [] };
    const page = await renderPage({ ...audit, adapters, alike });
    assert.doesNotMatch(page, /<img/);
    assert.doesNotMatch(page, /[\u0000-\u0008\u000b-\u001f\u007f\u202e]/);
    assert.match(page, /<h2>Not compared<\/h2>/);
    assert.match(page, /1 tensor without a LoRA pair: &#60;img/);
  });

  it("lists what was not compared, with the reasons", async () => {
    const audit = createAudit(8, 2, { ignored: ["score.weight"], skipped: ["in/notes"] });
    const adapters = audit.adapters.map((one, k): AdapterFinding => {
      if (k === 1) return { ...one, status: "undecided", reason: "stands apart" };
      if (k === 2)
        return {
          name: one.name,
          status: "inactive",
          score: null,
          modules: [],
          reason: "changes nothing",
        };
      return one;
    });
    const page = await renderPage({ ...audit, adapters });
    const [, section = ""] = page.split("<h2>Not compared</h2>");
    assert.doesNotMatch(section, /adapter-1<\/td>/);
    assert.match(page, /adapter-1<\/td>[^]*?undecided[^]*?stands apart/);
    assert.match(section, /adapter-2<\/td>\s*.*inactive<\/td>\s*.*changes nothing/);
    assert.match(section, /1 tensor without a LoRA pair: score\.weight\./);
    assert.match(section, /1 skipped folder \(no adapter_config\.json, .*\): in\/notes\./);
  });

  it("shows only the score without other evidence, and no figures without scores", async () => {
    const audit = without(createAudit(8, 2), "alike");
    const adapters = audit.adapters.map((one) => without(one, "evidence"));
    const page = await renderPage({ ...audit, adapters }, ["rule=gap"]);
    assert.match(page, /The score is the tangent of the angle to the shared space/);
    assert.doesNotMatch(withoutScript(page), /agreement:|Similarity of adapters|NaN|Infinity/);
    await rm(join(root, "new"), { recursive: true });

    const none = adapters.map(({ name }): AdapterFinding => {
      return { name, status: "inactive", score: null, modules: [] };
    });
    const empty = await renderPage({ ...audit, adapters: none, ranks: {} });
    assert.match(empty, /There is nothing to compare/);
    assert.deepEqual(titles(empty), ["Adapters", "Not compared"]);
  });

  it("has the losses that --evaluate measured", async () => {
    const losses = {
      own: 2,
      "shrunk-quarter": 1.25,
      "shrunk-half": 1.5,
      "added-half": 3,
      "added-whole": null,
      clair: 2.5,
    };
    const refined = {
      folder: "out",
      adapters: 1,
      versions: [],
      unchanged: [],
      discarded: 0,
      evaluation: {
        command: "loss <{adapter}>",
        adapters: [{ name: "adapter-1", losses, chosen: "shrunk-quarter" as const }],
      },
    };
    const page = await renderPage(createAudit(8, 2, { refined }));
    const [, section = ""] = page.split("<h2>Losses of refined adapters</h2>");
    assert.match(section, /<code>loss &#60;\{adapter\}&#62;<\/code>/);
    assert.match(section, /1\.250<\/td>[^]*not finite<\/td>[^]*¾ own \+ ¼ mean<\/td>/);
  });

  it("works without a benign adapter", async () => {
    const audit = createAudit(8, 2);
    const adapters = audit.adapters.map((one): AdapterFinding => {
      return { ...one, status: "undecided", modules: [] };
    });
    const page = await renderPage({ ...audit, adapters });
    assert.doesNotMatch(withoutScript(page), /NaN|Infinity/);
  });

  it("gives undecided adapters one colour, whether others are contaminated or not", async () => {
    const audit = createAudit(8, 2);
    const adapters = audit.adapters.map((one): AdapterFinding => {
      return one.status === "contaminated" ? { ...one, status: "undecided" } : one;
    });
    const page = await renderPage({ ...audit, adapters });
    const marks = page.matchAll(/<path(?: [\w-]+="[^"]*")*><title>adapter-0: [^<]*/g);
    const colours = [...marks].map(([mark]) => /#cc79a7/.test(mark));
    assert.ok(colours.length > 1);
    assert.deepEqual(new Set(colours), new Set([true]));
  });

  it("stays small for a thousand adapters of 64 modules", async () => {
    const page = await renderPage(createAudit(1000, 64));
    assert.match(page, /The figure shows 300 of 1,000 adapters/);
    assert.match(page, /class="tall"/);
    assert.ok(page.length < 4e6, `${page.length} characters`);
  }).timeout(60_000);

  it("never overwrites a file", async () => {
    await renderPage(createAudit(8, 1));
    await assert.rejects(renderPage(createAudit(8, 1)), { code: "EEXIST" });
  });
});

describe("createModuleLabels", () => {
  const labels = (...modules: readonly string[]) =>
    createModuleLabels(modules).map(({ label }) => label);

  it("sorts by number and omits the parts that all names have in common", () => {
    const of = (layer: number, name: string) =>
      `base_model.model.layers.${layer}.attn.${name}_proj`;
    assert.deepEqual(labels(of(10, "q"), of(2, "v"), of(2, "q")), [
      "2.q_proj",
      "2.v_proj",
      "10.q_proj",
    ]);
  });

  it("keeps whole names if there is nothing to omit", () => {
    assert.deepEqual(labels("base_model.model.q_proj"), ["q_proj"]);
    assert.deepEqual(labels("a.b", "a.b.c"), ["a.b", "a.b.c"]);
  });
});
