import assert from "node:assert/strict";
import { toDense, toTensor, type TensorDelta, type Update } from "@fedclair/core";
import {
  addScaled,
  frobenius,
  hstack,
  item,
  Matrix,
  multiply,
  stream,
  subtract,
  sum,
  indices,
} from "@fedclair/linalg";
import { toLowRank, product } from "@fedclair/rules";
import { clair } from "./clair.js";
import { clairSchema } from "./options.js";
import { refine } from "./refine.js";

const [rows, cols, rank, clients, bad] = [60, 40, 3, 22, 7];
const id = (k: number) => `c${String(k).padStart(2, "0")}`;

/**
 * Clients that share a large part W₀ (`times` the norm of the rest) and a space of three dimensions
 * in the rest. The rest of the first seven clients is random. Noise has 0.4 times the norm of the
 * rest.
 * @param length relative length of client k's whole change, as for a client that takes more or
 * fewer steps; 1 by default
 */
function changes(times: number, length: (k: number) => number = () => 1) {
  const rng = stream("common part").at(1);
  const draw = (name: string, n: number, m: number) =>
    new Matrix(n, m, rng.at(name).normals(n * m));
  const unit = (x: Matrix) => x.scale(1 / frobenius(x));
  const space = draw("space", rows, rank);
  const common = unit(draw("common", rows, cols));
  return indices(clients).map((k) => {
    const own =
      k < bad ? draw(`bad ${k}`, rows, cols) : multiply(space, draw(`own ${k}`, rank, cols));
    const truth = unit(own).scale(length(k));
    addScaled(truth, times * length(k), common);
    const sent = truth.copy();
    addScaled(sent, 0.4 * length(k), unit(draw(`noise ${k}`, rows, cols)));
    return { truth, sent };
  });
}

describe("clair where changes have a large part in common", () => {
  const lengths = {
    even: () => 1,
    uneven: (k: number) => 0.6 + ((7 * k) % clients) * (0.8 / clients),
  };
  const cases = [0, 1, 3, 10, 30].flatMap((times) =>
    Object.entries(lengths).map(([name, length]) => ({ times, name, length })),
  );
  for (const { times, name, length } of cases) {
    it(`flags exactly the contaminated clients and refines the others: W₀ ${times} times the rest, ${name} lengths`, async () => {
      const options = clairSchema.parse({ rule: { by: "evidence", undecided: "in" } });
      const all = changes(times, length);
      const updates = all.map(({ sent }, k): Update => {
        return {
          clientId: id(k),
          numExamples: 1,
          delta: new Map([["w", toTensor(sent)]]),
          metrics: {},
        };
      });
      const result = await clair(updates, options);
      const flagged = [...result.status].filter(([, status]) => status === "contaminated");
      assert.deepEqual(flagged.map(([name]) => name).sort(), indices(bad).map(id));
      const refined = (await refine(result, options)).get("w");
      assert.ok(refined?.shared);
      const { shared, common, extraShares } = refined;
      const benign = indices(clients).slice(bad);
      const ratios = benign.map((k) => {
        const personal = refined.personal.get(id(k));
        assert.ok(personal);
        const { truth, sent } = item(all, k);
        const own = toDense(personal);
        addScaled(own, 1, toDense(shared));
        const share = extraShares.get(id(k)) ?? 0;
        if (common) addScaled(own, share, toDense(common));
        return (frobenius(subtract(own, truth)) / frobenius(subtract(sent, truth))) ** 2;
      });
      // With a known space, and errors of equal size, the share (r + (p − r)/n)/p of the error's
      // energy is left.
      const mean = (list: readonly number[]) => sum(list) / list.length;
      const sizes = benign.map((k) => length(k) ** 2);
      const among = mean(sizes) / benign.length;
      const expected = mean(sizes.map((size) => (rank + ((rows - rank) * among) / size) / rows));
      assert.ok(mean(ratios) < 1.15 * expected, `${mean(ratios)} of ${expected}`);
      result.modules.close();
    });
  }

  it("flags the same clients for pairs B·A as for their products", async () => {
    const rng = stream("common pairs");
    const draw = (name: string, n: number, m: number) =>
      new Matrix(n, m, rng.at(name).normals(n * m));
    const [base, start, space] = [
      draw("base", rows, 2).scale(10),
      draw("start", 2, cols),
      draw("space", rows, rank),
    ];
    // The pairs have rank 5, so the stacked mean of eleven or more has more columns than the
    // module.
    const pairs = indices(clients).map((k) => {
      const own = k < bad ? draw(`bad ${k}`, rows, rank) : space.copy();
      addScaled(own, 0.2, draw(`noise ${k}`, rows, rank));
      const b = hstack([base, own]);
      const a = hstack([start.transpose(), draw(`own ${k}`, cols, rank)]).transpose();
      return { b, a };
    });
    const update = (delta: TensorDelta, k: number): Update => {
      return { clientId: id(k), numExamples: 1, delta: new Map([["w", delta]]), metrics: {} };
    };
    const options = clairSchema.parse({ rule: "evidence" });
    const factored = await clair(
      pairs.map((pair, k) => update(toLowRank(pair), k)),
      options,
    );
    const dense = await clair(
      pairs.map((pair, k) => update(toTensor(product(pair)), k)),
      options,
    );
    for (const { status, modules } of [factored, dense]) {
      const flagged = [...status].filter(([, status]) => status === "contaminated");
      assert.deepEqual(flagged.map(([name]) => name).sort(), indices(bad).map(id));
      modules.close();
    }
    const [ours, theirs] = [factored, dense].map(({ tangents }) => [...tangents.values()]);
    assert.ok(ours && theirs);
    ours.forEach((tangent, k) => {
      // Some evidence is about the factors, so other clients may be trusted most and fitted.
      const ratio = tangent / item(theirs, k);
      assert.ok(Math.abs(ratio - 1) < 0.1, `${id(k)}: ${ratio}`);
    });
  });
});
