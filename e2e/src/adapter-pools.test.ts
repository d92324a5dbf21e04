import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { workspace } from "./support/paths.js";

interface Pool {
  readonly name: string;
  readonly kind: string;
  readonly modules: string;
  readonly ownA0?: boolean;
  readonly seed: number;
}

interface Pools {
  readonly pools: readonly Pool[];
  readonly poolOptions: (pool: Pool) => readonly string[];
}

interface Table {
  readonly poolsTable: (
    pools: readonly { readonly name: string; readonly folder: string }[],
  ) => Promise<string>;
}

const folder = join(workspace, "studies/adapters/train-adapters");

/** Loads a module of npm run adapters, which is plain JavaScript. */
function load<T>(name: string): Promise<T> {
  return import(pathToFileURL(join(folder, name)).href) as Promise<T>;
}

describe("the pools of npm run adapters", () => {
  it("have a kind of text each, enough for a rate of 0.05", async () => {
    const { pools } = await load<Pools>("pools.js");
    const names = pools.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    const kinds = new Set(pools.map(({ kind }) => kind));
    assert.equal(kinds.size, names.length);
    assert.ok(1 / (kinds.size + 1) < 0.05);
    for (const training of ["even", "uneven", "wide", "long"])
      assert.ok(
        names.some((name) => name.endsWith(`-${training}`)),
        training,
      );
  });

  it("use four configurations, and common and own A₀", async () => {
    const { pools } = await load<Pools>("pools.js");
    const starts = new Set(pools.map(({ modules, ownA0 }) => `${modules} ${ownA0 === true}`));
    assert.equal(starts.size, 7);
  });

  it("pass only options that train_pool.py knows", async () => {
    const { pools, poolOptions } = await load<Pools>("pools.js");
    const script = await readFile(join(folder, "train_pool.py"), "utf8");
    for (const option of pools.flatMap(poolOptions).filter((one) => one.startsWith("--"))) {
      assert.ok(script.includes(`add_argument("${option}"`), option);
    }
  });

  it("name only kinds of text that are written", async () => {
    const { pools } = await load<Pools>("pools.js");
    const writers = await Promise.all(
      ["pool-texts.js", "pools/kinds.py"].map((file) => readFile(join(folder, file), "utf8")),
    );
    for (const { kind } of pools) assert.ok(writers.join("").includes(`"${kind}"`), kind);
  });
});

describe("the table of trained pools", () => {
  it("has the gains of honest adapters", async () => {
    const { poolsTable } = await load<Table>("pools-table.js");
    const trained = join(workspace, "e2e/fixtures/adapter-pool");
    const table = await poolsTable([{ name: "python-uneven", folder: trained }]);
    assert.equal(
      table.split("\n").at(-1),
      "| python-uneven | r 4, q, v, rsLoRA | own | 7 to 28 | 7e-4 to 3e-3 | 0.150 | 0.100 to 0.200 | 60 |",
    );
  });
});
