import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ClientMeasures } from "@fedclair/clair";
import { savePool } from "./support/adapter-pools.js";
import { temporaryFolder, workspace } from "./support/paths.js";

interface Set {
  readonly name: string;
  readonly kind: string;
}

interface Members extends Set {
  readonly members: readonly { readonly name: string }[];
}

interface Measured extends Set {
  readonly ids: readonly string[];
  readonly bad: readonly string[];
  readonly measures: ClientMeasures;
}

/** Loads a file of the bank's recipe, which is plain JavaScript. */
function load<T>(file: string): Promise<T> {
  return import(pathToFileURL(join(workspace, "studies/clair/bank", file)).href) as Promise<T>;
}

describe("the sets of a pool", () => {
  const loadSets = async (folder: string, sizes: readonly number[]) => {
    const { readPool } = await load<{ readPool: (folder: string) => Promise<unknown> }>("piles.js");
    const { listSets } = await load<{
      listSets: (name: string, pool: unknown, sizes: readonly number[]) => Members[];
    }>("sets.js");
    return listSets("a pool", await readPool(folder), sizes);
  };
  const namesOf = ({ members }: Members) => members.map(({ name }) => name);

  it("of one size share no honest adapter, and there are no more", async () => {
    const folder = await temporaryFolder();
    const honest = await savePool(folder, 4);
    const sets = await loadSets(folder, [4, 7, 14, 20]);
    const clean = sets.filter(({ kind }) => kind === "clean");
    assert.deepEqual(
      clean.map(({ name }) => name),
      ["clean-4-1", "clean-4-2", "clean-4-3", "clean-7-1", "clean-7-2", "clean-14-1"],
    );
    for (const size of [4, 7, 14]) {
      const all = clean.filter(({ members }) => members.length === size).flatMap(namesOf);
      assert.equal(new Set(all).size, all.length);
      assert.ok(all.every((name) => honest.includes(name)));
    }
    assert.ok(sets.every(({ kind }) => kind !== "minority"));
    const piles = sets.filter(({ kind }) => kind === "pile");
    assert.equal(piles.length, 13);
    for (const pile of piles) {
      assert.deepEqual(namesOf(pile).slice(0, 12), honest.slice(0, 12));
      assert.ok(namesOf(pile).some((name) => name.startsWith("bad-")));
    }
  });

  it("have one or up to a third of a minority, which is in no other set of honest ones", async () => {
    const folder = await temporaryFolder();
    const honest = await savePool(folder, 5);
    const few = honest.slice(0, 4);
    const adapters = few.map((name) => ({ name, isMinority: true }));
    await writeFile(join(folder, "pool.json"), JSON.stringify({ adapters }));
    const sets = await loadSets(folder, [5]);
    const counts = sets
      .filter(({ kind }) => kind === "clean" || kind === "minority")
      .map((one) => [one.name, namesOf(one).filter((name) => few.includes(name)).length]);
    // Ten others are too few for eleven of twelve.
    assert.deepEqual(counts, [
      ["clean-5-1", 0],
      ["clean-5-2", 0],
      ["minority-3-of-12", 3],
    ]);
  });

  it("are measured once, and read from the file afterwards", async () => {
    const [folder, cache] = [await temporaryFolder(), await temporaryFolder()];
    await savePool(folder, 6);
    const { measureSets } = await load<{
      measureSets: (folder: string, sizes: readonly number[], cache: string) => Promise<Measured[]>;
    }>("pool-measures.js");
    const first = await measureSets(folder, [7], cache);
    const file = join(cache, `${basename(folder)}.json`);
    const { mtimeMs } = await stat(file);
    const again = await measureSets(folder, [7], cache);
    assert.equal((await stat(file)).mtimeMs, mtimeMs);
    assert.deepEqual(again, first);
    const [pile] = first.filter(({ name }) => name === "sign-12");
    assert.deepEqual(pile?.bad, ["bad-sign-1", "bad-sign-2"]);
    assert.equal(pile.measures.size.length, pile.ids.length);
    // Other code, or other sizes, are measured again.
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(/"key":"\w/, '"key":"x'));
    assert.deepEqual(await measureSets(folder, [7], cache), first);
    assert.equal(await readFile(file, "utf8"), text);
  });
});
