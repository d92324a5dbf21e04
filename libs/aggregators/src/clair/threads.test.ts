import type { Update } from "@fedclair/core";
import { addScaled, gaussian, multiply, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { idOf, randomBasis, updateOf } from "../../testing/updates.js";
import { Helper } from "./helper.js";
import { clair, clairSchema, moduleTangents, refine, refineToPairs } from "./index.js";
import { amongThreads } from "./threads.js";

/** Five modules of unlike shapes; the first three of ten clients are contaminated. */
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

/** All that CLAIR says of a round, and what comes after. */
async function answer(threads: number, set: object, past: readonly Update[]) {
  const options = clairSchema.parse({ rank: 2, starts: 5, ...set });
  const result = await clair(round(1), options, {
    past,
    place: (modules, by) => amongThreads(threads, modules, by),
  });
  const { parts, ...said } = result;
  const after = {
    refined: await refine(result, options),
    pairs: await refineToPairs(result, options),
    tangents: await moduleTangents(result),
  };
  parts.close();
  return { ...said, ...after };
}

describe("clair in several threads", () => {
  const settings = {
    "a given rank": {},
    "automatic ranks": { rank: "auto", rankMax: 3 },
    "both sides, centred": { side: "both", centered: true },
    "the convex program": { solver: "convex" },
  };
  for (const [name, set] of Object.entries(settings)) {
    it(`says the same as in one, to the bit: ${name}`, async () => {
      const alone = await answer(1, set, []);
      assert.deepEqual(alone.modules, Object.keys(shapes));
      for (const threads of [2, 3, 9]) assert.deepEqual(await answer(threads, set, []), alone);
    });
  }

  it("says the same with a window", async () => {
    const past = round(2);
    assert.deepEqual(await answer(3, {}, past), await answer(1, {}, past));
  });

  it("answers several rounds at a time", async () => {
    const alone = await answer(1, {}, []);
    assert.deepEqual(await Promise.all([answer(2, {}, []), answer(2, {}, [])]), [alone, alone]);
  });

  it("fails what is asked once the parts are let go of", async () => {
    const parts = amongThreads(2, [[], []], clairSchema.parse({}));
    parts.close();
    await assert.rejects(parts.each("areBounded"), /no parts at place/);
  });

  it("keeps nobody waiting for a thread that ends", async () => {
    const helper = new Helper(new URL("data:text/javascript,process.exit(7)"));
    const parts = helper.place([[]], clairSchema.parse({}));
    await assert.rejects(parts.each("areBounded"), /a thread of CLAIR ended with code 7/);
    assert.equal(helper.isAlive, false);
    await assert.rejects(parts.each("areBounded"), /has ended/);
  });
});
