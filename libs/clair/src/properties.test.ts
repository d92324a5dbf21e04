import { toDense, isLowRank, type Update } from "@fedclair/core";
import {
  addScaled,
  frobenius,
  gaussian,
  Matrix,
  median,
  multiply,
  multiplyTN,
  stream,
  subtract,
  type Stream,
} from "@fedclair/linalg";
import fc from "fast-check";
import assert from "node:assert/strict";
import { product, type Factors } from "@fedclair/rules";
import { distance, refinedMatrix } from "../testing/measure.js";
import { idOf, randomBasis, updateOf } from "@fedclair/rules/testing";
import { sumWeighted } from "./updates/change.js";
import { clair, clairSchema, refine, type ClairOptions } from "./index.js";

const quick = { numRuns: 6 };
const seeds = fc.integer({ min: 0, max: 1e6 });
const sides = fc.constantFrom("left", "right", "both" as const);

/** Nine noisy clients with two modules and LoRA ranks 2 to 4; two of them are contaminated. */
function factoredRound(rng: Stream): { id: string; modules: Record<string, Factors> }[] {
  const shapes = { wide: [7, 11], tall: [10, 6] } as const;
  const common = Object.entries(shapes).map(([name, [p, q]]) => ({
    name,
    p,
    q,
    u: randomBasis(rng.at("U", name), p, 2),
    v: randomBasis(rng.at("V", name), q, 2),
  }));
  return Array.from({ length: 9 }, (_, k) => {
    const rank = 2 + (k % 3);
    const modules = common.map(({ name, p, q, u, v }): [string, Factors] => {
      const own = rng.at("client", name, k);
      const b = k < 2 ? gaussian(own, p, rank) : multiply(u, gaussian(own, 2, rank));
      addScaled(b, 1, gaussian(own, p, rank, 0.03));
      const a = k < 2 ? gaussian(own, rank, q) : multiply(gaussian(own, rank, 2), v.transpose());
      addScaled(a, 1, gaussian(own, rank, q, 0.03));
      return [name, { b, a }];
    });
    return { id: idOf(k), modules: Object.fromEntries(modules) };
  });
}

type Round = readonly { id: string; modules: Record<string, Matrix | Factors> }[];

const map = (round: Round, change: (x: Matrix, name: string) => Matrix): Round =>
  round.map(({ id, modules }) => ({
    id,
    modules: Object.fromEntries(
      Object.entries(modules).map(([name, m]) => [name, change("b" in m ? product(m) : m, name)]),
    ),
  }));

const updatesOf = (round: Round): Update[] =>
  round.map(({ id, modules }, k) => updateOf(id, modules, k + 1));

/** The result of CLAIR for a round, with the refined matrices of every benign client. */
async function answer(round: Round, options: ClairOptions) {
  const result = await clair(updatesOf(round), options);
  const refined = await refine(result, options);
  const of = (name: string, id: string) => refinedMatrix(refined.get(name), id);
  return { result, refined, of, benign: result.pooled.map(({ id }) => id) };
}

type Answer = Awaited<ReturnType<typeof answer>>;

type Turn = (x: Matrix, name: string) => Matrix;

function assertSame(got: Answer, expected: Answer, turn: Turn = (x) => x): void {
  assert.deepEqual(got.result.status, expected.result.status);
  for (const [id, { score }] of expected.result.verdicts) {
    const own = got.result.verdicts.get(id)?.score ?? NaN;
    assert.ok(Math.abs(own - score) < 1e-10 * (1 + score), id);
  }
  for (const name of expected.refined.keys()) {
    for (const id of expected.benign) {
      const off = distance(got.of(name, id), turn(expected.of(name, id), name));
      assert.ok(off < 1e-10, `${name} of ${id}: ${off}`);
    }
  }
}

const parse = (options: object) => clairSchema.parse({ rule: "gap", rank: 2, ...options });

describe("clair", () => {
  it("returns the same for factored and dense updates, on every side, with every weighting, centred or not", async () => {
    await fc.assert(
      fc.asyncProperty(
        seeds,
        sides,
        fc.constantFrom("uniform", "samples"),
        fc.boolean(),
        async (seed, side, weighting, centered) => {
          const options = parse({ side, weighting, centered });
          const factored = factoredRound(stream(seed));
          assertSame(
            await answer(
              map(factored, (x) => x),
              options,
            ),
            await answer(factored, options),
          );
        },
      ),
      { numRuns: 12 },
    );
  });

  it("returns the same from the right as for the transpose from the left", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const round = factoredRound(stream(seed));
        const right = await answer(round, parse({ side: "right" }));
        const left = await answer(
          map(round, (x) => x.transpose()),
          parse({ side: "left" }),
        );
        assertSame(left, right, (x) => x.transpose());
      }),
      quick,
    );
  });

  it("rotates its result when all updates are rotated", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, sides, async (seed, side) => {
        const rng = stream(seed);
        const round = map(factoredRound(rng), (x) => x);
        const turn = (x: Matrix, name: string) =>
          multiply(
            multiply(randomBasis(rng.at("left", name), x.rows, x.rows), x),
            randomBasis(rng.at("right", name), x.cols, x.cols),
          );
        assertSame(
          await answer(map(round, turn), parse({ side })),
          await answer(round, parse({ side })),
          turn,
        );
      }),
      quick,
    );
  });

  it("scales its result when all updates are scaled", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.constantFrom(1e-6, 1e-3, 7, 1e3), async (seed, factor) => {
        const round = map(factoredRound(stream(seed)), (x) => x);
        const scaled = await answer(
          map(round, (x) => x.scale(factor)),
          parse({}),
        );
        const unscaled = {
          ...scaled,
          of: (name: string, id: string) => scaled.of(name, id).scale(1 / factor),
        };
        assertSame(unscaled, await answer(round, parse({})));
      }),
      quick,
    );
  });

  it("does not depend on the order of the clients", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const round = factoredRound(stream(seed));
        const shuffled = stream(seed).at("order").sample(round);
        assertSame(await answer(shuffled, parse({})), await answer(round, parse({})));
      }),
      quick,
    );
  });

  it("leaves the mean of the benign clients unchanged, apart from what is cut outside the space", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, sides, async (seed, side) => {
        const round = map(factoredRound(stream(seed)), (x) => x);
        const options = parse({ side });
        const { refined, of, benign } = await answer(round, options);
        for (const [name, { personal, meanPersonal, shared }] of refined) {
          const split = (id: string) => {
            const [change, inside] = [
              round.find((client) => client.id === id)?.modules[name],
              personal.get(id),
            ];
            assert.ok(change instanceof Matrix && inside !== undefined);
            return { inside: toDense(inside), outside: subtract(change, toDense(inside)) };
          };
          const most = 2 * median(benign.map((id) => frobenius(split(id).outside)));
          const own = (id: string) => {
            const { inside, outside } = split(id);
            addScaled(inside, Math.min(1, most / frobenius(outside)), outside);
            return inside;
          };
          const meanOf = (matrix: (id: string) => Matrix) => {
            const out = matrix(benign[0] ?? "").scale(0);
            for (const id of benign) addScaled(out, 1 / benign.length, matrix(id));
            return out;
          };
          const mean = meanOf(own);
          assert.ok(
            distance(
              meanOf((id) => of(name, id)),
              mean,
            ) < 1e-10,
          );
          assert.ok(shared !== undefined && !isLowRank(shared));
          const global = toDense(meanPersonal);
          addScaled(global, 1, toDense(shared));
          assert.ok(distance(global, mean) < 1e-10);
        }
      }),
      quick,
    );
  });

  it("has the client's own error inside and the mean error outside (error identity of step 7)", async () => {
    const rng = stream("identity");
    const u = randomBasis(rng.at("U"), 8, 2);
    const ideal = Array.from({ length: 6 }, (_, k) => multiply(u, gaussian(rng.at("C", k), 2, 5)));
    const errors = ideal.map((_, k) => gaussian(rng.at("E", k), 8, 5, 0.05));
    const sent = ideal.map((d, k) => combined([d, errors[k]], [1, 1]));
    const round = sent.map((m, k) => ({ id: idOf(k), modules: { m } }));
    const { result, of, benign } = await answer(
      round,
      parse({ rule: "gap", minBenignFraction: 1 }),
    );
    const space = result.spaces.get("m")?.left;
    assert.ok(space !== undefined && benign.length === 6);
    const inside = (x: Matrix) => multiply(space, multiplyTN(space, x));
    const uniform = new Array<number>(6).fill(1 / 6);
    const meanError = combined(errors, uniform);
    const meanIdeal = combined(ideal, uniform);
    ideal.forEach((d, k) => {
      const own = inside(combined([errors[k]], [1]));
      const foreign = combined([meanError, meanIdeal, d], [1, 1, -1]);
      const outside = combined([foreign, inside(foreign)], [1, -1]);
      const expected = frobenius(own) ** 2 + frobenius(outside) ** 2;
      const actual = distance(of("m", idOf(k)), d) ** 2;
      assert.ok(Math.abs(actual - expected) < 1e-9 * expected, `${actual} is not ${expected}`);
    });
  });
});

function combined(xs: readonly (Matrix | undefined)[], weights: readonly number[]): Matrix {
  return sumWeighted(
    xs.flatMap((x) => x ?? []),
    weights,
  );
}
