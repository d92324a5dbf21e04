import { toDense, toTensor, type Dense, type Stored, type Update } from "@fedclair/core";
import { createStored } from "@fedclair/core/internal";
import { addScaled, gaussian, multiply, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { idOf, randomBasis, updateOf } from "@fedclair/rules/testing";
import { clair, clairSchema, moduleTangents, refine, refineToPairs } from "../index.js";
import { ClientGroup, judgeGroup } from "../grouped-clair.js";
import { ModulePool } from "./module-pool.js";

/** Five modules of different shapes; the first three of ten clients are contaminated. */
const shapes = { a: [12, 8], b: [30, 6], c: [7, 19], d: [9, 9], e: [16, 5] } as const;

function round(seed: number): Update[] {
  const root = stream("threads").at(seed);
  const bases = Object.entries(shapes).map(([name, [p, q]]) => {
    return { name, p, q, u: randomBasis(root.at(name), p, 2) };
  });
  return Array.from({ length: 10 }, (_, k) => {
    const modules = bases.map(({ name, p, q, u }) => {
      const own = root.at(name, k);
      const b = k < 3 ? gaussian(own, p, 3) : multiply(u, gaussian(own, 2, 3));
      addScaled(b, 1, gaussian(own, p, 3, 0.05));
      return [name, { b, a: gaussian(own, 3, q) }] as const;
    });
    return updateOf(`${idOf(k)}-${seed}`, Object.fromEntries(modules));
  });
}

/** The result of CLAIR for a round, with everything that is computed from it. */
async function answer(threads: number, set: object, past: readonly Update[]) {
  const options = clairSchema.parse({ rule: "gap", rank: 2, starts: 5, ...set });
  const result = await clair(round(1), options, { past, threads });
  const { modules, ...rest } = result;
  const after = {
    refined: await refine(result, options),
    pairs: await refineToPairs(result, options),
    tangents: await moduleTangents(result),
  };
  modules.close();
  return { ...rest, ...after };
}

describe("clair in several threads", () => {
  const settings = {
    "a given rank": {},
    "automatic ranks": { rank: "auto", rankMax: 3 },
    "both sides, centred": { side: "both", centered: true },
  };
  for (const [name, set] of Object.entries(settings)) {
    it(`returns the same as in one thread, to the bit: ${name}`, async () => {
      const alone = await answer(0, set, []);
      assert.deepEqual([...alone.spaces.keys()], Object.keys(shapes));
      for (const threads of [1, 2, 9]) assert.deepEqual(await answer(threads, set, []), alone);
    });
  }

  it("judges a group of clients as in this thread, to the bit", async () => {
    const options = clairSchema.parse({ models: "global", groupSize: 20, rank: 2 });
    const updates = Array.from({ length: 20 }, (_, k) => {
      const m = gaussian(stream("group").at(k), 10, 100);
      addScaled(m, k < 2 ? -1 : 1, gaussian(stream("common"), 10, 100));
      const { delta, ...update } = updateOf(idOf(k), { m });
      const vector = { shape: [3], data: Float32Array.of(k, 1, 2) };
      return { ...update, delta: new Map([...delta, ["bias", vector]]) };
    });
    const here = await new ClientGroup(updates, options).judge(undefined);
    assert.equal(here.contaminated, 2);
    assert.deepEqual(await judgeGroup(updates, options, undefined, 0), here);
  });

  it("returns the same with a window", async () => {
    const past = round(2);
    assert.deepEqual(await answer(3, {}, past), await answer(0, {}, past));
  });

  it("reads dense changes from a file", async () => {
    const options = clairSchema.parse({ rule: "evidence", rank: 2 });
    const updates = round(1).map(({ delta, ...update }): Update => {
      const dense = [...delta].map(([name, change]) => [name, toTensor(toDense(change))] as const);
      return { ...update, delta: new Map(dense) };
    });
    const folder = await mkdtemp(join(tmpdir(), "fedclair-"));
    const file = await open(join(folder, "updates"), "wx+");
    let at = 0;
    const inFile: Update[] = [];
    for (const { delta, ...update } of updates) {
      const moved = new Map<string, Stored>();
      for (const [name, change] of delta) {
        const { shape, data } = change as Dense;
        await file.write(new Uint8Array(data.buffer), 0, data.byteLength, at);
        const place = { file: file.fd, at };
        const never = () => assert.fail("only other threads may read");
        moved.set(name, createStored(shape, "f64", data.byteLength, never, place));
        at += data.byteLength;
      }
      inFile.push({ ...update, delta: moved });
    }
    const judge = async (some: readonly Update[], threads: number) => {
      const { modules, ...rest } = await clair(some, options, { threads });
      const refined = await refine({ modules, ...rest }, options);
      modules.close();
      return { status: rest.status, spaces: rest.spaces, refined };
    };
    assert.deepEqual(await judge(inFile, 2), await judge(updates, 0));
    await file.close();
    await rm(folder, { recursive: true });
  });

  it("handles several rounds at a time", async () => {
    const alone = await answer(0, {}, []);
    assert.deepEqual(await Promise.all([answer(2, {}, []), answer(2, {}, [])]), [alone, alone]);
  });

  it("keeps the class of an error", async () => {
    const options = clairSchema.parse({ rule: "gap", rank: 1 });
    const dense = [1, 2, 3].map((k) => updateOf(idOf(k), { m: gaussian(stream(k), 4, 5) }));
    const result = await clair(dense, options, { threads: 1 });
    await assert.rejects(refineToPairs(result, options), TypeError);
    result.modules.close();
  });

  it("rejects calls after the modules are released", async () => {
    const pool = await ModulePool.create(round(1), clairSchema.parse({ rule: "gap" }), 2);
    pool.close();
    await assert.rejects(
      pool.each((module) => module.ask("norms")),
      /no object \d+ in this thread/,
    );
    await assert.rejects(pool.views({ clients: [0], leastNorm: 0 }), /no object \d+/);
  });
});
