import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  readNumbers,
  decodeSafetensors,
  encodeSafetensors,
  UserError,
  type Tensor,
} from "@fedclair/core";
import type { StoredType } from "@fedclair/core/internal";
import { inspectFolder } from "../findings/inspect-files.js";
import { readOrigins } from "../findings/origins.js";
import { openAdapter, readScaledPair, writeAdapter, type Adapter } from "./peft.js";
import { readTensor } from "./tensor-files.js";

const f32 = (shape: readonly number[], ...values: number[]): Tensor => ({
  shape,
  data: Float32Array.from(values),
});
const a = f32([2, 3], 1, 2, 3, 4, 5, 6);
const b = f32([1, 2], 10, 20);

const readAllPairs = ({ modules }: Adapter) =>
  new Map([...modules].map(([name, pair]) => [name, readScaledPair(pair)]));
const readOthers = ({ others }: Adapter) =>
  [...others].map(([name, one]) => [name, readTensor(one)]);

describe("PEFT adapters", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "peft-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const save = async (
    tensors: Readonly<Record<string, Tensor>>,
    config: object = {},
    name = "one",
  ): Promise<string> => {
    const path = join(folder, name);
    await mkdir(path);
    const written = { peft_type: "LORA", r: 2, lora_alpha: 4, ...config };
    await writeFile(join(path, "adapter_config.json"), JSON.stringify(written));
    const bytes = encodeSafetensors(new Map(Object.entries(tensors)));
    await writeFile(join(path, "adapter_model.safetensors"), bytes);
    return path;
  };
  const readScale = async (config: object, name: string): Promise<number> => {
    const path = await save({ "q.lora_A.weight": a, "q.lora_B.weight": b }, config, name);
    const modules = readAllPairs(await openAdapter(path));
    return (readNumbers(modules.get("q")?.b ?? assert.fail())[0] ?? NaN) / 10;
  };

  it("reads a pair for every module, with the scale in B, for any adapter name", async () => {
    const path = await save({
      "base_model.model.q.lora_A.default.weight": a,
      "base_model.model.q.lora_B.default.weight": b,
      "base_model.model.head.weight": a,
    });
    const adapter = await openAdapter(path);
    assert.deepEqual(
      [...readAllPairs(adapter)],
      [["base_model.model.q", { b: f32([1, 2], 20, 40), a }]],
    );
    assert.deepEqual(readOthers(adapter), [["base_model.model.head.weight", a]]);
  });

  it("rejects files that are too large together, and does not hash them", async () => {
    const path = await save({ "q.lora_A.weight": a, "q.lora_B.weight": b });
    const adapter = { name: "one", folder: path };
    const progress: string[] = [];
    const hashed = async () => {
      const note = (done: number, all: number, what: string) =>
        progress.push(`${done} of ${all} ${what}`);
      const { byName } = await readOrigins([await inspectFolder(adapter)], note);
      return byName.get("one")?.files.map(({ file }) => file);
    };
    // No tensors of this adapter: without an index, only one file is read.
    await writeFile(join(path, "adapter_model-00001-of-00002.safetensors"), "");
    await truncate(join(path, "adapter_model-00001-of-00002.safetensors"), 275e9);
    assert.deepEqual(await hashed(), ["adapter_config.json", "adapter_model.safetensors"]);
    await truncate(join(path, "adapter_model.safetensors"), 2e8);
    await hashed();
    assert.deepEqual(progress, ["0.1 of 0.2 GB of one hashed", "0.2 of 0.2 GB of one hashed"]);
    await truncate(join(path, "adapter_model.safetensors"), 275e9);
    assert.deepEqual(await hashed(), ["adapter_config.json"]);
    await assert.rejects(openAdapter(path), {
      message: new RegExp(
        `^${path}: expected at most 32000000000 bytes of tensors, got 275000000000:`,
      ),
    });
    await truncate(join(path, "adapter_config.json"), 275e9);
    assert.deepEqual(await hashed(), []);
  });

  it("scales by α/r, by α/√r for rank-stabilised LoRA, and by a module's own α", async () => {
    assert.equal(await readScale({}, "plain"), 2);
    assert.ok(Math.abs((await readScale({ use_rslora: true }, "rs")) - 4 / Math.SQRT2) < 1e-6);
    assert.equal(await readScale({ alpha_pattern: { q: 6 } }, "own"), 3);
    assert.equal(await readScale({ alpha_pattern: { other: 6 } }, "others"), 2);
  });

  it("replaces the pairs of an adapter and keeps its scales, ranks and other tensors", async () => {
    const head = f32([1, 1], 7);
    const path = await save(
      {
        "k.lora_A.weight": f32([1, 3], 1, 2, 3),
        "k.lora_B.weight": f32([1, 1], 4),
        "q.lora_A.weight": a,
        "q.lora_B.weight": b,
        "score.weight": head,
        "q.lora_B.bias": head,
      },
      {
        use_rslora: true,
        alpha_pattern: { k: 6 },
        rank_pattern: { k: 1 },
        modules_to_save: ["score"],
        bias: "all",
      },
    );
    const original = await openAdapter(path);
    await writeAdapter(join(folder, "two"), original, readAllPairs(original));
    const again = await openAdapter(join(folder, "two"));
    assert.deepEqual(again.config, original.config);
    assert.deepEqual(readOthers(again), readOthers(original));
    for (const [name, { a: own, b: change }] of readAllPairs(original)) {
      const pair = readAllPairs(again).get(name);
      assert.deepEqual(pair?.a, own);
      readNumbers(change).forEach((x, i) => {
        assert.ok(Math.abs((readNumbers(pair.b)[i] ?? NaN) / x - 1) < 1e-6);
      });
    }
  });

  it("matches patterns against names in the base model, also from the start of the name", async () => {
    const name = "base_model.model.model.layers.0.q";
    const tensors = { [`${name}.lora_A.weight`]: a, [`${name}.lora_B.weight`]: b };
    for (const [i, [pattern, scale]] of [
      ["^model.layers.0.q", 3],
      ["^layers.0.q", 2],
      ["layers.0.q", 3],
      ["model\\.layers\\.\\d+\\.q", 3],
    ].entries()) {
      const path = await save(tensors, { alpha_pattern: { [String(pattern)]: 6 } }, `p${i}`);
      const modules = readAllPairs(await openAdapter(path));
      assert.equal(
        (readNumbers(modules.get(name)?.b ?? assert.fail())[0] ?? NaN) / 10,
        scale,
        String(pattern),
      );
    }
  });

  it("reads an adapter in several files", async () => {
    const path = await save({ "q.lora_A.weight": a }, {}, "shards");
    const [one, two] = ["adapter_model-00001-of-00002", "adapter_model-00002-of-00002"];
    await rename(join(path, "adapter_model.safetensors"), join(path, `${one}.safetensors`));
    const bytes = encodeSafetensors(new Map([["q.lora_B.weight", b]]));
    await writeFile(join(path, `${two}.safetensors`), bytes);
    const map = {
      "q.lora_A.weight": `${one}.safetensors`,
      "q.lora_B.weight": `${two}.safetensors`,
    };
    const index = join(path, "adapter_model.safetensors.index.json");
    await writeFile(index, JSON.stringify({ weight_map: map }));
    assert.deepEqual([...(await openAdapter(path)).modules.keys()], ["q"]);
    await writeFile(index, JSON.stringify({ weight_map: { q: "../secret" } }));
    await assert.rejects(openAdapter(path), /'..\/secret': expected the name of a file beside it/);
  });

  it("writes each tensor in its original number type", async () => {
    const path = await save({}, {}, "brain");
    const tensors = new Map([
      ["q.lora_A.default.weight", a],
      ["q.lora_B.default.weight", b],
      ["head", a],
    ]);
    const types = new Map<string, StoredType>([
      ["q.lora_A.default.weight", "BF16"],
      ["q.lora_B.default.weight", "F16"],
      ["head", "F8_E4M3"],
    ]);
    const file = join(path, "adapter_model.safetensors");
    await writeFile(file, encodeSafetensors(tensors, {}, types));
    const adapter = await openAdapter(path);
    await writeAdapter(join(folder, "again"), adapter, readAllPairs(adapter));
    const written = decodeSafetensors(
      await readFile(join(folder, "again", "adapter_model.safetensors")),
    );
    assert.deepEqual(
      written.tensors.map(({ name, type }) => [name, type]),
      [
        ["q.lora_A.weight", "BF16"],
        ["q.lora_B.weight", "F16"],
        ["head", "F16"],
      ],
    );
  });

  it("reports what is wrong and where", async () => {
    const faults: [string, RegExp, Promise<string>][] = [
      [
        "half",
        /q: expected lora_A of shape r×in and lora_B of out×r, got 2×3 and none/,
        save({ "q.lora_A.weight": a }, {}, "half"),
      ],
      [
        "other half",
        /model.safetensors: q: expected .* got none and 1×2/,
        save(
          { "q.lora_B.weight": b, "k.lora_A.weight": a, "k.lora_B.weight": b },
          {},
          "other half",
        ),
      ],
      [
        "second",
        /q: expected one adapter, got a second lora_A, q.lora_A.two.weight/,
        save({ "q.lora_A.weight": a, "q.lora_A.two.weight": a }, {}, "second"),
      ],
      [
        "pattern",
        /adapter_config.json: alpha_pattern.q_proj\[: expected module names or regular expressions/,
        save({}, { alpha_pattern: { "q_proj[": 64 } }, "pattern"),
      ],
      [
        "backreference",
        /adapter_config.json: rank_pattern.*without backreferences and lookaround/,
        save({}, { rank_pattern: { "([a-z0-9_.]+)+\\1!": 64 } }, "backreference"),
      ],
      [
        "alpha",
        /adapter_config.json: lora_alpha: .* from 1e-20 to 1e20, got 0/,
        save({}, { lora_alpha: 0 }, "alpha"),
      ],
      [
        "ranks",
        /got 2×3 and 2×3/,
        save({ "q.lora_A.weight": a, "q.lora_B.weight": a }, {}, "ranks"),
      ],
      ["none", /no pair of lora_A and lora_B/, save({ "q.weight": a }, {}, "none")],
      [
        "kind",
        /adapter_config.json: peft_type: expected LORA/,
        save({}, { peft_type: "IA3" }, "kind"),
      ],
      ["rank", /adapter_config.json: r: /, save({}, { r: 0 }, "rank")],
      [
        "other rank",
        /q: adapter_config.json says rank 8, the tensors have 2/,
        save({ "q.lora_A.weight": a, "q.lora_B.weight": b }, { r: 8 }, "other rank"),
      ],
      [
        "large rank",
        /q: expected a rank of at most 3, its size, got 4/,
        save(
          {
            "q.lora_A.weight": { shape: [4, 3], data: new Float32Array(12) },
            "q.lora_B.weight": { shape: [2, 4], data: new Float32Array(8) },
          },
          { r: 4 },
          "large rank",
        ),
      ],
      [
        "experts",
        /target_parameters: expected plain LoRA.*experts.*leave such adapters out/,
        save({}, { target_parameters: ["mlp.experts.gate_up_proj"] }, "experts"),
      ],
      ["kasa", /kasa_config: expected plain LoRA/, save({}, { kasa_config: { beta: 1 } }, "kasa")],
      ["qalora", /use_qalora: expected plain/, save({}, { use_qalora: true }, "qalora")],
    ];
    for (const [name, message, path] of faults) {
      await assert.rejects(openAdapter(await path), (error) => {
        assert.ok(error instanceof UserError, name);
        assert.match(error.message, message);
        return true;
      });
    }
    const deep = await save({}, {}, "deep");
    const lists = "[".repeat(100_000) + "]".repeat(100_000);
    await writeFile(join(deep, "adapter_config.json"), `{"peft_type": "LORA", "x": ${lists}}`);
    await assert.rejects(openAdapter(deep), /adapter_config.json: expected JSON with less nesting/);
    const large = await save({}, {}, "large");
    const header = Buffer.alloc(16_000_016, " ");
    header.writeBigUInt64LE(16_000_008n);
    await writeFile(join(large, "adapter_model.safetensors"), header);
    await assert.rejects(openAdapter(large), /header has 16000008 bytes, at most 16000000 are exp/);
    const path = await save({ "q.lora_A.weight": a, "q.lora_B.weight": b }, {}, "cut");
    await writeFile(join(path, "adapter_model.safetensors"), "short");
    await assert.rejects(openAdapter(path), /adapter_model.safetensors: not a valid safetensors/);
    const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    await writeFile(join(path, "adapter_model.safetensors"), pointer);
    await assert.rejects(openAdapter(path), /a pointer of Git LFS: run git lfs pull/);
    await rm(join(path, "adapter_model.safetensors"));
    await assert.rejects(openAdapter(path), /saved as \.bin must be saved again/);
  });

  for (const name of [
    "adapter_config.json",
    "adapter_model.safetensors",
    "adapter_model.safetensors.index.json",
  ]) {
    it(`rejects a FIFO as ${name} without waiting for it`, async function () {
      if (process.platform === "win32") this.skip();
      const path = await save({ "q.lora_A.weight": a, "q.lora_B.weight": b });
      await rm(join(path, name), { force: true });
      execFileSync("mkfifo", [join(path, name)]);
      const message = new RegExp(`${name}': expected a regular file, got a FIFO`);
      await assert.rejects(openAdapter(path), message);
    });
  }
});
