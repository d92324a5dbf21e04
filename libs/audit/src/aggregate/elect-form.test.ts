import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeSafetensors, maxAbs, readNumbers, UserError, type Dense } from "@fedclair/core";
import type { StoredType } from "@fedclair/core/internal";
import { stream } from "@fedclair/linalg";
import { openAdapter, readScaledPair } from "../adapters/peft.js";
import { aggregateRound, type RoundOptions } from "./aggregate-round.js";

interface Saved {
  readonly rank?: number;
  readonly alpha?: number;
  readonly type?: StoredType;
  /** The size of the numbers of B and A. */
  readonly sizes?: readonly [b: number, a: number];
  readonly config?: object;
  /** The client whose change it copies. */
  readonly copyOf?: string;
}

const [rows, columns] = [8, 6];

/** Saves one module, whose change does not depend on α unless `sizes` are given. */
async function save(folder: string, name: string, saved: Saved): Promise<void> {
  const { rank = 2, alpha = rank, type = "F32", sizes: [b, a] = [rank / alpha, 1] } = saved;
  const rng = stream("round").at(saved.copyOf ?? name);
  const tensor = (side: string, shape: [number, number], size: number): [string, Dense] => {
    const data = Float32Array.from(rng.at(side).normals(shape[0] * shape[1]), (x) => size * x);
    return [`base_model.model.a.lora_${side}.weight`, { shape, data }];
  };
  const tensors = new Map([tensor("A", [rank, columns], a), tensor("B", [rows, rank], b)]);
  const types = new Map([...tensors.keys()].map((key) => [key, type]));
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(
    join(folder, name, "adapter_model.safetensors"),
    encodeSafetensors(tensors, {}, types),
  );
  const config = {
    peft_type: "LORA",
    base_model_name_or_path: "a-model",
    target_modules: ["a", "b"],
    r: rank,
    lora_alpha: alpha,
    ...saved.config,
  };
  await writeFile(join(folder, name, "adapter_config.json"), JSON.stringify(config));
}

describe("the form of the shared adapter", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-form-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Averages what the clients have saved. */
  async function average(
    clients: Readonly<Record<string, Saved>>,
    options: Partial<RoundOptions> = {},
  ) {
    for (const [name, saved] of Object.entries(clients)) await save(folder, name, saved);
    const out = `${folder}-out`;
    try {
      const report = await aggregateRound(folder, {
        aggregator: "fedavg",
        out,
        ...options,
      });
      const text = await readFile(join(out, "global", "adapter_config.json"), "utf8");
      const { modules } = await openAdapter(join(out, "global"));
      const pair = modules.get("base_model.model.a");
      assert.ok(pair);
      const { b } = readScaledPair(pair);
      return {
        ...report,
        config: JSON.parse(text) as Readonly<Record<string, unknown>>,
        types: [pair.b.type, pair.a.type],
        rank: pair.a.shape[0],
        size: maxAbs(readNumbers(b)),
      };
    } finally {
      for (const one of [out, `${out}.part`]) await rm(one, { recursive: true, force: true });
    }
  }

  it("is not that of the client with the largest rank", async () => {
    const { config, types, size } = await average({
      alice: {},
      bob: {},
      carol: {},
      eve: { rank: 3, alpha: 1e10, type: "F16", sizes: [1e-5, 1e-5] },
    });
    assert.deepEqual([config["r"], config["lora_alpha"]], [2, 2]);
    assert.deepEqual(types, ["F32", "F32"]);
    assert.ok(size > 0.01);
  });

  it("is chosen by those whom the aggregator has pooled", async () => {
    const evil = { rank: 3, config: { base_model_name_or_path: "another" } };
    const far = { ...evil, sizes: [1, 1] } as const;
    const near = { sizes: [1e-3, 1] } as const;
    const { config, clients } = await average(
      { alice: near, bob: near, carol: { ...evil, ...near }, eve: far, ivan: far },
      { aggregator: "multi-krum", set: ["fraction=0.4"] },
    );
    const flagged = clients.filter(({ status }) => status === "contaminated");
    assert.deepEqual(
      flagged.map(({ name }) => name),
      ["eve", "ivan"],
    );
    assert.deepEqual([config["base_model_name_or_path"], config["r"]], ["a-model", 2]);
  });

  it("is not that of names that sent copies of one change", async () => {
    const evil = { type: "BF16", config: { base_model_name_or_path: "another" } } as const;
    const copies = [1, 2, 0.5, 1, 1.01].map((size) => {
      return { ...evil, copyOf: "eve", sizes: [size, 1] } as const;
    });
    const { config, types } = await average({
      alice: {},
      bob: {},
      carol: {},
      eve: evil,
      ...Object.fromEntries(copies.map((copy, k) => [`sybil-${k}`, copy])),
    });
    assert.equal("base_model_name_or_path" in config, false);
    assert.deepEqual(types, ["F32", "F32"]);
  });

  it("is that of most clients, also if they sent nearly the same", async () => {
    const evil = { rank: 3, config: { base_model_name_or_path: "another" } };
    const { config } = await average({
      alice: {},
      bob: { copyOf: "alice" },
      carol: { copyOf: "alice", sizes: [2, 1] },
      eve: evil,
      ivan: evil,
    });
    assert.notEqual(config["base_model_name_or_path"], "another");
  });

  it("is not that of a client whose patterns have another order", async () => {
    const config = { r: 2, lora_alpha: 2, rank_pattern: { "^a": 2, a: 1 } };
    const other = { ...config, rank_pattern: { a: 1, "^a": 2 } };
    const { config: elected, rank } = await average({
      alice: { rank: 1, config: other },
      bob: { config },
      carol: { config },
    });
    assert.equal(JSON.stringify(elected["rank_pattern"]), JSON.stringify(config.rank_pattern));
    assert.equal(rank, 2);
  });

  it("has no key that a minority sets, and none that is unknown", async () => {
    const evil = {
      base_model_name_or_path: "another",
      revision: "main",
      auto_mapping: { parent_library: "evil" },
      megatron_core: "evil",
    };
    const everybody = { added: "by everybody", auto_mapping: null };
    const { config, warnings } = await average({
      alice: { config: { ...everybody, target_modules: ["b", "a"] } },
      bob: { config: everybody },
      eve: { rank: 4, config: { ...everybody, ...evil } },
    });
    assert.deepEqual(config, {
      peft_type: "LORA",
      base_model_name_or_path: "a-model",
      auto_mapping: null,
      target_modules: ["b", "a"],
      r: 2,
      lora_alpha: 2,
    });
    assert.deepEqual(warnings, [
      "the base model of global is a-model; others: eve names another, revision main.",
    ]);
  });

  it("is plain where no majority agrees", async () => {
    const { config, types, warnings } = await average({
      alice: { rank: 1, type: "BF16", config: { base_model_name_or_path: "x" } },
      bob: { rank: 2, alpha: 8, type: "F16", config: { base_model_name_or_path: "y" } },
      carol: { rank: 4, alpha: 1, config: { target_modules: ["a"] } },
    });
    assert.deepEqual([config["r"], config["lora_alpha"]], [2, 2]);
    assert.equal("base_model_name_or_path" in config, false);
    assert.deepEqual(types, ["F32", "F32"]);
    assert.match(warnings.join(), /^no base model is named by most clients.*alice names x, bob/);
  });

  it("is not chosen by numbers too large for a model, which end no round", async () => {
    const huge = { sizes: [3e37, 3e37] } as const;
    const clients = Object.fromEntries(
      ["alice", "bob", "carol", "dave", "eve"].map((one) => [one, {}]),
    );
    const report = await average({ ...clients, mallory: huge }, { aggregator: "caf" });
    const [invalid, ...others] = report.clients.filter(({ status }) => status === "invalid");
    assert.match(
      invalid?.reason ?? "",
      /^base_model\.model\.a: B·A may reach .*e\+7\d, expected at most 1e\+30$/,
    );
    assert.equal(others.length, 0);
  });

  it("fails if the result would lose its energy, unless another form is chosen", async () => {
    const tiny = { alpha: 1e10, type: "F16", sizes: [1e-5, 1e-5] } as const;
    const clients = { alice: tiny, bob: tiny, carol: tiny };
    await assert.rejects(average(clients), (error) => {
      assert.ok(error instanceof UserError && error.exitCode === 2);
      assert.match(error.message, /^global: stored as F16 with lora_alpha 10000000000,/);
      assert.match(error.message, /% of its energy is lost\): choose --rank/);
      return true;
    });
    const { config, size } = await average(clients, { rank: 2 });
    assert.equal(config["lora_alpha"], 2);
    assert.ok(size > 0);
  });
});
