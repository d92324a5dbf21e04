import assert from "node:assert/strict";
import { addScaled, gaussian, multiply, stream } from "@fedclair/linalg";
import { idOf, randomBasis, updateOf } from "@fedclair/rules/testing";
import { listFarModules } from "./view-measures.js";
import { clair, clairSchema } from "../index.js";
import { toAggregation, refine } from "../refine.js";

/** Energies of four clients in a view, for these tangents. */
function view(...tangents: number[]) {
  return {
    inside: new Float64Array(tangents.length).fill(1),
    outside: Float64Array.from(tangents, (x) => x * x),
  };
}

describe("listFarModules", () => {
  const names = ["a", "b", "c", "d", "e"];
  const usual = view(1, 2, 3, 2);

  it("lists at most three modules, the farthest first, as multiples of the median", () => {
    const energies = [
      view(1, 2, 3, 6),
      view(1, 2, 3, 20),
      usual,
      view(1, 2, 3, 3),
      view(4, 4, 4, 16),
    ];
    assert.deepEqual(
      listFarModules(names, energies, [0, 1, 2], [3]),
      new Map([
        [
          3,
          [
            { module: "b", ratio: 10 },
            { module: "e", ratio: 4 },
            { module: "a", ratio: 3 },
          ],
        ],
      ]),
    );
  });

  it("leaves out ratios below 1.5, and clients without a larger one", () => {
    const energies = [view(1, 2, 3, 2.98), usual, usual, usual, view(1, 2, 3, 3)];
    assert.deepEqual(
      listFarModules(names, energies, [0, 1, 2], [2, 3]),
      new Map([
        [2, names.map((module) => ({ module, ratio: 1.5 })).slice(0, 3)],
        [3, [{ module: "e", ratio: 1.5 }]],
      ]),
    );
  });

  it("adds the energies of both sides of a module", () => {
    const energies = [view(1, 1, 1, 1), view(1, 1, 1, 7), usual, usual];
    const { outside } = energies[1] ?? view();
    assert.equal(outside[3], 49);
    // √((1 + 49) / 2) = 5
    assert.deepEqual(
      listFarModules(["a", "b"], energies, [0, 1, 2], [3]),
      new Map([[3, [{ module: "a", ratio: 5 }]]]),
    );
  });

  it("lists nothing for a single module, and without a benign client", () => {
    assert.deepEqual(listFarModules(["a"], [view(1, 1, 1, 9)], [0, 1, 2], [3]), new Map());
    assert.deepEqual(listFarModules(["a", "b"], [usual, view(1, 1, 1, 9)], [], [3]), new Map());
  });
});

describe("verdicts of clair", () => {
  const shapes = { first: [20, 12], second: [16, 10], third: [14, 9], fourth: [18, 8] } as const;

  /** Twelve clients share two directions a module; the last one leaves those of one module. */
  async function judge(names: readonly (keyof typeof shapes)[]) {
    const rng = stream("far modules");
    const updates = Array.from({ length: 12 }, (_, k) => {
      const modules = names.map((name) => {
        const [p, q] = shapes[name];
        const basis = randomBasis(rng.at("space", name), p, 2);
        const own = rng.at(name, k);
        const changed = k === 11 && name === "second";
        const change = changed ? gaussian(own, p, q) : multiply(basis, gaussian(own, 2, q));
        addScaled(change, 1, gaussian(own, p, q, 0.05));
        return [name, change] as const;
      });
      return updateOf(idOf(k), Object.fromEntries(modules));
    });
    const options = clairSchema.parse({ rule: "gap", rank: 2 });
    const result = await clair(updates, options);
    try {
      const { verdicts = [] } = toAggregation(
        updates,
        result,
        await refine(result, options),
        options,
      );
      return verdicts;
    } finally {
      result.modules.close();
    }
  }

  it("name the module that a flagged client changed, and no module of a benign one", async () => {
    const verdicts = await judge(["first", "second", "third", "fourth"]);
    const flagged = verdicts.filter(({ status }) => status === "contaminated");
    assert.deepEqual(
      flagged.map(({ clientId, modules = [] }) => [clientId, modules.map(({ module }) => module)]),
      [["c11", ["second"]]],
    );
    assert.ok((flagged[0]?.modules?.[0]?.ratio ?? 0) > 10);
    assert.ok(
      verdicts.every(({ status, modules }) => status !== "benign" || modules === undefined),
    );
  });

  it("name no module if there is only one", async () => {
    const verdicts = await judge(["second"]);
    assert.equal(verdicts.at(-1)?.status, "contaminated");
    assert.ok(verdicts.every(({ modules }) => modules === undefined));
  });
});
