import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { clairSchema } from "@fedclair/clair";
import { readNumbers, toDense, encodeSafetensors, UserError } from "@fedclair/core";
import type { RefinementKind } from "@fedclair/core/internal";
import { frobenius, stream, subtract } from "@fedclair/linalg";
import { findAdapters } from "../adapters/find-adapters.js";
import { openAdapter, readScaledPair, writeAdapter } from "../adapters/peft.js";
import { rejectExisting } from "../adapters/reject-existing.js";
import { readTensor } from "../adapters/tensor-files.js";
import type { RefinedPairs } from "../refine/refined-pairs.js";
import { listRefinedFolders, writeRefined } from "../refine/write-refined.js";
import { formatAudit } from "../text/audit-text.js";
import { compareAdapters } from "./compare-adapters.js";
import type { AdapterComparison } from "../audit-schema.js";
import { parseClairOptions } from "./options.js";

interface Compared {
  readonly comparison: AdapterComparison;
  /** Refined pairs by adapter. */
  readonly refined: ReadonlyMap<string, RefinedPairs>;
}

const p = 40;
const r = 2;
const module = "base_model.model.q_proj";

describe("compareAdapters", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "compare-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  /**
   * Writes adapters whose B lies in the first r axes, apart from a little noise. The first `bad`
   * adapters have a random B.
   */
  async function saveAdapters(
    count: number,
    bad: number,
    config: object = {},
    size = 1,
  ): Promise<string> {
    const folder = join(root, "in");
    for (let k = 0; k < count; k++) {
      const rng = stream("judge").at(k);
      const b = rng.at("B").normals(p * r, size);
      if (k >= bad) b.forEach((x, i) => (b[i] = Math.floor(i / r) < r ? x : x * 0.01));
      const pair = {
        [`${module}.lora_A.weight`]: { shape: [r, p], data: rng.at("A").normals(r * p) },
        [`${module}.lora_B.weight`]: { shape: [p, r], data: b },
        "score.weight": { shape: [1], data: Float32Array.of(k) },
      };
      await save(join(folder, `client-${k}`), pair, config);
    }
    return folder;
  }

  async function save(
    path: string,
    tensors: Readonly<Record<string, { shape: number[]; data: Float32Array | Float64Array }>>,
    config: object,
  ): Promise<void> {
    await mkdir(path, { recursive: true });
    const written = { peft_type: "LORA", r, lora_alpha: 4, ...config };
    await writeFile(join(path, "adapter_config.json"), JSON.stringify(written));
    const bytes = encodeSafetensors(new Map(Object.entries(tensors)));
    await writeFile(join(path, "adapter_model.safetensors"), bytes);
  }

  async function compared(
    folder: string,
    set: object = {},
    kind?: RefinementKind,
    undecided = false,
  ): Promise<Compared & { text: string }> {
    const options = clairSchema.parse({ rule: "gap", ...set });
    const { adapters, skipped, checkpoints } = await findAdapters([folder]);
    let refined: ReadonlyMap<string, RefinedPairs> = new Map();
    const take = (_: RefinementKind, own: typeof refined) => {
      refined = own;
      return Promise.resolve();
    };
    const refine = kind && { kinds: [kind], undecided, take };
    const comparison = await compareAdapters({ adapters, options, ...(refine && { refine }) });
    const text = formatAudit({ ...comparison, skipped, checkpoints }, options);
    return { comparison, refined, text: stripVTControlCharacters(text) };
  }

  const statuses = ({ comparison }: Compared) => comparison.adapters.map(({ status }) => status);

  it("marks adapters that cannot be read as invalid and says why", async () => {
    const folder = await saveAdapters(8, 2);
    await writeFile(join(folder, "client-5", "adapter_config.json"), "{");
    await writeFile(join(folder, "client-7", "adapter_model.safetensors"), "short");
    await mkdir(join(folder, "notes"));
    const found = await compared(folder, { rank: 2 });
    const [bad, good] = ["contaminated", "benign"];
    assert.deepEqual(statuses(found), [bad, bad, good, good, good, "invalid", good, "invalid"]);
    assert.match(found.comparison.adapters[5]?.reason ?? "", /adapter_config.json: expected JSON/);
    assert.match(found.text, /client-7 +invalid .*not a valid safetensors/);
    assert.match(found.text, /2 of 8 adapters are contaminated/);
    assert.match(
      found.text,
      /Skipped \(no adapter_config.json, hidden, or no UTF-8 in the name\): .*notes\./,
    );
    assert.match(found.text, /Not LoRA pairs, therefore not judged: score.weight\./);
  });

  it("prints no control characters from adapter names", async () => {
    const folder = await saveAdapters(4, 0);
    const forged = `client-3\u001b[31m\nclient-0  contaminated`;
    await rename(join(folder, "client-3"), join(folder, forged));
    const { text } = await compared(folder);
    assert.match(text, /client-3\\u\{1b\}\[31m\\u\{a\}client-0 {2}contaminated /);
    assert.equal(text.split("\n").filter((line) => line.startsWith("client-0")).length, 1);
  });

  it("gives the reason and the module for each adapter that cannot be compared", async () => {
    const folder = await saveAdapters(8, 0);
    const pair = (p1: number, rank: number, x = 1) => ({
      [`${module}.lora_A.weight`]: { shape: [rank, p1], data: new Float32Array(rank * p1).fill(x) },
      [`${module}.lora_B.weight`]: { shape: [p1, rank], data: new Float32Array(rank * p1).fill(1) },
    });
    const extra = { [`k.lora_A.weight`]: { shape: [r, 2], data: new Float32Array(2 * r).fill(1) } };
    const other = { [`k.lora_B.weight`]: { shape: [2, r], data: new Float32Array(2 * r).fill(1) } };
    await save(join(folder, "client-1"), pair(p, r, NaN), {});
    await save(join(folder, "client-2"), pair(p, r, -Infinity), {});
    await save(join(folder, "client-3"), pair(p + 1, r), {});
    await save(join(folder, "client-4"), { ...pair(p, r), ...extra, ...other }, {});
    await save(join(folder, "client-5"), { ...extra, ...other }, {});
    const { comparison } = await compared(folder);
    const reasons = comparison.adapters.map(({ status, reason }) => [status, reason ?? ""]);
    assert.deepEqual(reasons.slice(1, 6), [
      ["invalid", `${module}.lora_A: entry 0 is NaN`],
      ["invalid", `${module}.lora_A: entry 0 is -Infinity`],
      ["invalid", `${module} changes 41×41, the compared adapters 40×40`],
      ["invalid", "module k, which the compared adapters do not have"],
      ["invalid", `module ${module} missing, which the compared adapters have`],
    ]);
  });

  it("warns of adapters that could be compared with one another only", async () => {
    const folder = await saveAdapters(8, 0);
    for (const client of ["client-5", "client-6", "client-7"]) {
      const entries = stream(client).normals(r * (p + 1));
      const pair = {
        [`${module}.lora_A.weight`]: { shape: [r, p + 1], data: entries },
        [`${module}.lora_B.weight`]: { shape: [p + 1, r], data: entries },
      };
      await save(join(folder, client), pair, {});
    }
    const { comparison, text } = await compared(folder);
    assert.deepEqual(comparison.otherForms, [["client-5", "client-6", "client-7"]]);
    assert.match(
      text,
      /Warning: 3 adapters have other modules or shapes .*: client-5, client-6, client-7\. Audit them separately\./,
    );
  });

  it("warns about copies and different base models", async () => {
    const folder = await saveAdapters(6, 0, { base_model_name_or_path: "one/base" });
    const file = "adapter_model.safetensors";
    await copyFile(join(folder, "client-1", file), join(folder, "client-4", file));
    const config = join(folder, "client-2", "adapter_config.json");
    const text = await readFile(config, "utf8");
    await writeFile(config, text.replace("one/base", "another/base"));
    const { comparison, text: output } = await compared(folder);
    assert.deepEqual(comparison.identical, [["client-1", "client-4"]]);
    assert.match(output, /Warning: the adapters name 2 bases: one\/base, another\/base\./);
    assert.match(output, /Warning: identical adapters: client-1, client-4\./);
  });

  it("gives a reason for each adapter if none can be read", async () => {
    const folder = await saveAdapters(3, 0, { peft_type: "LOHA" });
    const { comparison, text } = await compared(folder);
    assert.match(text, /nothing to compare: all adapters are invalid/);
    for (const { status, reason } of comparison.adapters) {
      assert.equal(status, "invalid");
      assert.match(reason ?? "", /only LoRA/);
    }
  });

  it("warns about a shared space that would contain any adapter", async () => {
    const folder = await saveAdapters(8, 2);
    const sound = await compared(folder, { rank: 2 });
    assert.deepEqual(sound.comparison.uninformative, []);
    assert.doesNotMatch(sound.text, /Warning/);
    const all = await compared(folder, { rank: 8 * r, rule: "gap", minBenignFraction: 1 });
    assert.deepEqual(all.comparison.uninformative, [module]);
    assert.match(all.text, /0 of 8 adapters are contaminated, 8 undecided/);
    assert.match(
      all.text,
      /Warning: the shared spaces of 1 of 1 module are as large as .* Set a lower rank/,
    );
  });

  it("rejects a rank above that of all adapters together", async () => {
    const folder = await saveAdapters(8, 2);
    await assert.rejects(compared(folder, { rank: 60 }), {
      name: "UserError",
      message:
        "rank = 60: the adapters have at most 16 dimensions together: expected auto, or a rank well below that",
    });
  });

  it("compares and refines nothing if no adapter changes anything", async () => {
    const folder = await saveAdapters(4, 0, {}, 0);
    const found = await compared(folder, {}, "clair");
    assert.deepEqual(new Set(statuses(found)), new Set(["inactive"]));
    assert.match(found.text, /There is nothing to compare/);
    assert.doesNotMatch(found.text, /Infinity|Shared spaces/);
    assert.equal(found.refined.size, 0);
  });

  it("judges DoRA adapters by B·A, says so, and does not refine them", async () => {
    const folder = await saveAdapters(4, 0, { use_dora: true });
    const found = await compared(folder);
    assert.equal(found.comparison.dora.length, 4);
    assert.match(found.text, /4 adapters with DoRA, judged by B·A without the magnitudes/);
    await assert.rejects(compared(folder, {}, "added-half"), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /--refine: 'client-0' uses DoRA/);
      return true;
    });
  });

  it("detects contaminated adapters behind a common start with centered=true", async () => {
    const folder = join(root, "pissa");
    const rng = stream("pissa");
    const start = { a: rng.at("A").normals(r * p, 5), b: rng.at("B").normals(p * r, 5) };
    for (let k = 0; k < 12; k++) {
      const own = rng.at(k);
      // The first three move as far as the others, but not along the first axes.
      const moved = own
        .at("B")
        .normals(p * r)
        .map((x, i) => x * (k < 3 ? 0.22 : i < r * r ? 1 : 0.01));
      const [a, b] = [own.at("A").normals(r * p, 0.2), moved];
      const pair = {
        [`${module}.lora_A.weight`]: {
          shape: [r, p],
          data: a.map((x, i) => x + (start.a[i] ?? 0)),
        },
        [`${module}.lora_B.weight`]: {
          shape: [p, r],
          data: b.map((x, i) => x + (start.b[i] ?? 0)),
        },
      };
      await save(join(folder, `client-${k}`), pair, { init_lora_weights: "pissa_niter_16" });
    }
    const plain = await compared(folder, { rank: r });
    assert.deepEqual(new Set(statuses(plain)), new Set(["undecided"]));
    assert.equal(plain.comparison.begunInBase.length, 12);
    assert.match(
      plain.text,
      /Warning: B·A of 12 adapters did not start at zero .*--set centered=true/,
    );
    const centred = await compared(folder, { centered: true });
    const bad = centred.comparison.adapters.filter(({ status }) => status === "contaminated");
    assert.deepEqual(
      bad.map(({ name }) => name),
      ["client-0", "client-1", "client-2"],
    );
    assert.doesNotMatch(centred.text, /Warning/);
  });

  it("warns if most adapters may be contaminated", async () => {
    const folder = await saveAdapters(10, 7);
    const undecided = await compared(folder, { rank: 2, rule: { by: "gap", minGap: 100 } });
    assert.deepEqual(new Set(statuses(undecided)), new Set(["undecided"]));
    assert.match(
      undecided.text,
      /Warning: the scores have a gap of a factor of .* after the 3 smallest, but at least 5 of 10/,
    );
    const lowered = await compared(folder, { rank: 2, minBenignFraction: 0.3 });
    assert.equal(statuses(lowered).filter((status) => status === "contaminated").length, 7);
    assert.doesNotMatch(lowered.text, /Warning/);
  });

  it("warns if more than a third of the adapters stand out", async () => {
    const byEvidence = { rank: 2, rule: { by: "evidence" } };
    const { text } = await compared(await saveAdapters(12, 5), byEvidence);
    assert.match(
      text,
      /Warning: 5 of 12 compared adapters stand out\. The larger group determines/,
    );
    assert.doesNotMatch(
      (await compared(await saveAdapters(12, 0), byEvidence)).text,
      /larger group/,
    );
  });

  it("leaves adapters undecided if there are too few", async () => {
    assert.match(
      (await compared(await saveAdapters(2, 0))).text,
      /client-0 +undecided.*too few clients: 2 of at least \d.*\n.*client-1 +undecided/,
    );
  });

  it("flags a huge change inside the shared space with the norm screen", async () => {
    const folder = await saveAdapters(8, 0);
    const { adapters } = await findAdapters([folder]);
    const adapter = await openAdapter(join(folder, "client-4"));
    const large = [...adapter.modules].map(([name, pair]) => {
      const { b, a } = readScaledPair(pair);
      return [name, { b: { ...b, data: readNumbers(b).map((x) => 1000 * x) }, a }] as const;
    });
    await writeAdapter(join(folder, "client-4"), adapter, new Map(large));
    assert.equal(adapters.length, 8);
    const found = await compared(folder, { rank: 2, screens: ["norm"] });
    assert.match(found.text, /client-4 +contaminated .*norm inside the space \d+ × the median/);
    assert.throws(
      () => parseClairOptions(["window=3"]),
      /window has no effect: an audit has no earlier rounds/,
    );
  });

  for (const kind of ["clair", "shrunk-half"] as const) {
    it(`refines the others as if an adapter with NaN entries were absent: ${kind}`, async () => {
      const folder = await saveAdapters(9, 2);
      const refinedOf = async () => (await compared(folder, { rank: 2 }, kind)).refined;
      const withNaN = {
        [`${module}.lora_A.weight`]: { shape: [r, p], data: new Float32Array(r * p).fill(1) },
        [`${module}.lora_B.weight`]: { shape: [p, r], data: new Float32Array(r * p).fill(NaN) },
      };
      for (const name of ["client-0", "client-4"]) await save(join(folder, name), withNaN, {});
      const present = await refinedOf();
      for (const name of ["client-0", "client-4"])
        await rm(join(folder, name), { recursive: true });
      const absent = await refinedOf();
      assert.deepEqual([...present.keys()], [...absent.keys()]);
      assert.equal(absent.size, 6);
      for (const [name, pairs] of absent) {
        const [expected, got] = [pairs, present.get(name)].map((own) => own?.modules.get(module));
        assert.ok(expected && got);
        const [x, y] = [toDense(expected), toDense(got)];
        assert.ok(frobenius(subtract(x, y)) < 1e-6 * frobenius(x), name);
      }
    });
  }

  it("refines into new folders only, and keeps shapes and other tensors", async () => {
    const folder = await saveAdapters(8, 2, { modules_to_save: ["score"] });
    const { adapters } = await findAdapters([folder]);
    const { refined } = await compared(folder, { rank: 1, minBenignFraction: 1 }, "clair", true);
    const out = join(root, "out");
    const refuse = (into: string) =>
      rejectExisting("--refine", listRefinedFolders(into, adapters, []));
    await refuse(out);
    assert.equal(refined.size, 8);
    await writeRefined(out, adapters, refined);
    const { config, modules, others } = await openAdapter(join(out, "client-3"));
    assert.deepEqual([config.r, config["modules_to_save"]], [2, ["score"]]);
    assert.deepEqual(modules.get(module)?.a.shape, [r, p]);
    assert.deepEqual(modules.get(module)?.b.shape, [p, r]);
    const score = others.get("score.weight");
    assert.deepEqual(score && readNumbers(readTensor(score)), Float32Array.of(3));

    await assert.rejects(refuse(out), /out\/client-0' exists already/);
    await assert.rejects(refuse(folder), /in\/client-0' exists already/);
    const file = join(out, "client-0", "adapter_config.json");
    await assert.rejects(refuse(file), /--refine: cannot write to .*ENOTDIR/);
  });
});
