import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { savePool } from "./support/adapter-pools.js";
import { temporaryFolder, workspace } from "./support/paths.js";

interface Pair {
  readonly b: { readonly data: Float32Array };
  readonly a: { readonly data: Float32Array };
}

interface Update {
  readonly clientId: string;
  readonly delta: ReadonlyMap<string, Pair>;
}

interface Piles {
  readonly readPiles: (folder: string) => Promise<ReadonlyMap<string, readonly Update[]>>;
  readonly writePiles: (folder: string, to: string) => Promise<void>;
}

/** Loads the recipe of piles, which is plain JavaScript. */
function loadPiles(): Promise<Piles> {
  return import(
    pathToFileURL(join(workspace, "studies/clair/bank/piles.js")).href
  ) as Promise<Piles>;
}

describe("the piles of a pool", () => {
  /** The norm of B·A of one module, entry by entry. */
  function normOf({ b, a }: Pair): number {
    const [rank, cols] = [2, 8];
    let square = 0;
    for (let i = 0; i < b.data.length / rank; i++) {
      for (let j = 0; j < cols; j++) {
        let entry = 0;
        for (let k = 0; k < rank; k++)
          entry += (b.data[i * rank + k] ?? 0) * (a.data[k * cols + j] ?? 0);
        square += entry ** 2;
      }
    }
    return Math.sqrt(square);
  }

  const norms = (update: Update | undefined) => [...(update?.delta.values() ?? [])].map(normOf);
  const near = (x: number, y: number) => {
    assert.ok(Math.abs(x / y - 1) < 1e-5, `${x} is not ${y}`);
  };

  it("hold twelve honest adapters and the attackers, or all fourteen honest ones", async () => {
    const folder = await temporaryFolder();
    const honest = await savePool(folder, 1);
    const { readPiles } = await loadPiles();
    const piles = await readPiles(folder);
    assert.equal(piles.size, 14);
    const idsOf = (pile: string) => piles.get(pile)?.map(({ clientId }) => clientId);
    assert.deepEqual(idsOf("clean"), honest);
    assert.deepEqual(idsOf("sign"), [...honest.slice(0, 12), "bad-sign-1", "bad-sign-2"]);
  });

  it("derive flipped, scaled, resized and random adapters", async () => {
    const folder = await temporaryFolder();
    await savePool(folder, 2);
    const { readPiles } = await loadPiles();
    const piles = await readPiles(folder);
    const find = (pile: string, id: string) =>
      piles.get(pile)?.find(({ clientId }) => clientId === id);
    const bOf = (update: Update | undefined) =>
      [...(update?.delta.values() ?? [])].flatMap(({ b }) => [...b.data]);
    const negated = bOf(find("clean", "client-12")).map((x) => -x);
    assert.deepEqual(bOf(find("sign", "bad-sign-1")), negated);
    const boosted = norms(find("boost-5", "bad-boost5-1"));
    norms(find("trigger-100", "bad-trigger100-1")).forEach((x, i) => {
      near(boosted[i] ?? 0, 5 * x);
    });
    const median = (values: number[]) => {
      const [left = 0, right = 0] = values.sort((x, y) => x - y).slice(6, 8);
      return (left + right) / 2;
    };
    const honest = piles.get("clean") ?? [];
    const sized = Math.hypot(...norms(find("random-at-honest-size", "bad-sized-1")));
    near(sized, median(honest.map((update) => Math.hypot(...norms(update)))));
    norms(find("free-rider", "bad-freerider-1")).forEach((x, i) => {
      near(x, median(honest.map((update) => norms(update)[i] ?? 0)));
    });
  });

  it("are the same on disk", async () => {
    const [folder, to] = [await temporaryFolder(), await temporaryFolder()];
    await savePool(folder, 3);
    const { readPiles, writePiles } = await loadPiles();
    await writePiles(folder, to);
    const piles = await readPiles(folder);
    assert.deepEqual((await readdir(to)).sort(), [...piles.keys()].sort());
    for (const [pile, updates] of piles) {
      const names = updates.map(({ clientId }) => clientId);
      assert.deepEqual((await readdir(join(to, pile))).sort(), names.sort(), pile);
    }
  });
});
