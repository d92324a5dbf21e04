import assert from "node:assert/strict";
import { isLowRank, toDense, toTensor, type Update } from "@fedclair/core";
import { addScaled, frobenius, gaussian, indices, item, Matrix, stream } from "@fedclair/linalg";
import { idOf } from "@fedclair/rules/testing";
import { Clair, type ClairState } from "./aggregator.js";
import { clairSchema } from "./options.js";
import { groupCopies, listVoters } from "./measures/copies.js";
import { computeAgreement } from "./measures/measures.js";

const rng = stream("copies");

/** Clients whose pairs have a part in common, and the rest of their own. */
function honest(round: number, count = 12): Update[] {
  return indices(count).map((k): Update => {
    const module = (name: string) => {
      const b = gaussian(rng.at(name), 24, 3);
      const own = gaussian(rng.at(name, round, k), 24, 3);
      b.data.forEach((x, i) => (b.data[i] = x + 1.2 * item([...own.data], i)));
      return { b: toTensor(b), a: toTensor(gaussian(rng.at(name, "a"), 3, 18)) };
    };
    const delta = new Map(["q", "v"].map((name) => [name, module(name)]));
    return { clientId: idOf(k), delta, numExamples: 1, metrics: {} };
  });
}

/** The update of a victim under another name, scaled and with noise relative to its entries. */
function copy({ delta, ...rest }: Update, clientId: string, scale: number, noise: number): Update {
  const drawn = rng.at("noise", clientId);
  const changed = [...delta].map(([name, module]) => {
    assert.ok(isLowRank(module) && "data" in module.b);
    const data = Float32Array.from(module.b.data, (x) => scale * x * (1 + noise * drawn.normal()));
    return [name, { ...module, b: { ...module.b, data } }] as const;
  });
  return { ...rest, clientId, delta: new Map(changed) };
}

describe("copies of an honest update", () => {
  const names = ["copy-1", "copy-2", "copy-3"];
  for (const [what, scales, noise] of [
    ["exact", [1], 0],
    ["scaled", [1.6, 0.6], 0],
    ["noisy", [1, 1, 1], 0.1],
  ] as const) {
    it(`do not get it flagged, in any round, if they are ${what}`, async () => {
      const aggregator = new Clair(clairSchema.parse({ models: "global" }));
      let state: ClairState | undefined;
      for (let round = 1; round <= 6; round++) {
        const updates = honest(round);
        const victim = item(updates, 0);
        scales.forEach((scale, i) => updates.push(copy(victim, item(names, i), scale, noise)));
        const input = { round, phase: "train", updates, rng: stream(round) };
        const { verdicts = [], ...rest } = await aggregator.aggregate(input, state);
        ({ state } = rest);
        // A copy may be flagged for a size of its own.
        const flagged = verdicts.filter(
          ({ clientId, status }) => status === "contaminated" && !names.includes(clientId),
        );
        assert.deepEqual(flagged, [], `round ${round}`);
        const { reason = "" } = verdicts.find(({ clientId }) => clientId === idOf(0)) ?? {};
        assert.match(reason, /is a copy of copy-\d/);
      }
    });
  }

  it("leave it in what is shared if they are too rough to count as copies, and share one vote", async () => {
    const aggregator = new Clair(clairSchema.parse({ models: "global" }));
    const updates = honest(1, 18);
    const rough = names.map((name) => copy(item(updates, 0), name, 1, 0.8));
    const input = { round: 1, phase: "train", updates: [...updates, ...rough], rng: stream(1) };
    const { verdicts = [] } = await aggregator.aggregate(input);
    const { status, pooled, reason = "" } = item(verdicts, 0);
    assert.deepEqual([status, pooled], ["undecided", true], reason);
    assert.match(reason, /moves together with few others/);
    assert.equal(verdicts.filter(({ status }) => status === "contaminated").length, 0);
  });

  it("count once in what is shared", async () => {
    const updates = honest(1);
    const share = async (some: readonly Update[]) => {
      const aggregator = new Clair(clairSchema.parse({ models: "global" }));
      const input = { round: 1, phase: "train", updates: some, rng: stream(1) };
      const { change, verdicts = [] } = await aggregator.aggregate(input);
      assert.ok(verdicts.every(({ pooled }) => pooled));
      const total = new Matrix(24, 18);
      for (const term of change) {
        const module = term.get("q");
        if (module) addScaled(total, 1, toDense(module));
      }
      return total;
    };
    const victim = item(updates, 0);
    const copied = [...updates, ...names.map((name) => copy(victim, name, 1, 0))];
    const [alone, together] = [await share(updates), await share(copied)];
    const size = frobenius(alone);
    addScaled(together, -1, alone);
    assert.ok(frobenius(together) < 1e-5 * size, `${frobenius(together)} of ${size}`);
  });
});

describe("clients of a size that nobody else has", () => {
  it("do not explain by it what else is odd about them", async () => {
    const aggregator = new Clair(clairSchema.parse({ models: "global" }));
    const tiny = indices(3).map((i): Update => {
      const clientId = `tiny-${i}`;
      const module = (name: string) => ({
        b: toTensor(gaussian(rng.at(clientId, name, "b"), 24, 18).scale(0.01)),
        a: toTensor(gaussian(rng.at(clientId, name, "a"), 18, 18)),
      });
      const delta = new Map(["q", "v"].map((name) => [name, module(name)]));
      return { clientId, delta, numExamples: 1, metrics: {} };
    });
    const updates = [...honest(1), ...tiny];
    const { verdicts = [] } = await aggregator.aggregate({
      round: 1,
      phase: "train",
      updates,
      rng: stream(1),
    });
    assert.deepEqual(
      verdicts.map(({ status }) => status === "undecided"),
      updates.map(({ clientId }) => clientId.startsWith("tiny")),
    );
  });
});

describe("groupCopies", () => {
  const gramOf = (rows: readonly (readonly number[])[]) => {
    const changes = Matrix.fromRows(rows.map((row) => [...row]));
    return Matrix.fromRows(
      rows.map((x) =>
        rows.map((y) => x.reduce((total, value, i) => total + value * (y[i] ?? 0), 0)),
      ),
    ).scale(changes.rows > 0 ? 1 : 0);
  };
  const group = (grams: readonly Matrix[]) => {
    const cosines = new Matrix(item(grams, 0).rows, item(grams, 0).rows);
    for (const gram of grams)
      for (const i of indices(gram.rows))
        for (const j of indices(gram.rows))
          cosines.data[i + j * gram.rows] =
            (cosines.data[i + j * gram.rows] ?? 0) +
            gram.get(i, j) / Math.sqrt(gram.get(i, i) * gram.get(j, j)) / grams.length;
    return groupCopies(cosines, grams);
  };
  const apart = [
    [1, 0, 0, 0, 0],
    [0, 1, 0, 0, 0],
    [0, 0, 1, 0, 0],
    [0, 0, 0, 1, 0],
  ];

  it("finds copies of any scale, with little noise", () => {
    assert.deepEqual(group([gramOf([...apart, [5, 0.5, 0, 0, 0]])]), [0, 1, 2, 3, 0]);
    assert.deepEqual(group([gramOf([...apart, [5, 3, 0, 0, 0]])]), [0, 1, 2, 3, 4]);
    assert.deepEqual(group([gramOf([...apart, [-1, 0, 0, 0, 0]])]), [0, 1, 2, 3, 4]);
  });

  it("ignores the part that all have in common", () => {
    assert.deepEqual(group([gramOf(apart.map((row) => [10, ...row]))]), [0, 1, 2, 3]);
  });

  it("still finds a copy that changed a module that hardly counts", () => {
    const small = gramOf([...apart, [0, 0, 0, 0, 1]]).scale(1e-6);
    assert.deepEqual(group([gramOf([...apart, [1, 0, 0, 0, 0]]), small]), [0, 1, 2, 3, 0]);
  });

  it("does not take honest clients for copies because attackers are far from everybody", () => {
    // Fourteen clients with a cosine of 0.97, and six that have nothing in common with anybody.
    const honestRows = indices(14).map((k) => [5.7, ...indices(20).map((j) => Number(j === k))]);
    const others = indices(6).map((i) => [0, ...indices(20).map((j) => 6 * Number(j === 14 + i))]);
    const rows = [...honestRows, ...others];
    assert.deepEqual(group([gramOf(rows)]), indices(20));
  });

  it("does not join clients that are both near a third, but not to each other", () => {
    const between = [
      [1, 0, 0, 0, 0],
      [1, 0.4, 0, 0, 0],
      [1, 0.8, 0, 0, 0],
    ];
    assert.deepEqual(
      group([gramOf([...between, ...apart.slice(2), [0, 0, 0, 0, 1]])]),
      [0, 0, 2, 3, 4, 5],
    );
  });

  it("leaves every client an agreement, even if all others are its copies", () => {
    const cosines = new Matrix(3, 3);
    cosines.data.fill(1);
    assert.deepEqual([...computeAgreement({ cosines, groups: [0, 0, 0] }, [0, 1, 2])], [1, 1, 1]);
  });

  it("joins nobody if all sent the same in the modules that changed", () => {
    const [cosines, gram] = [new Matrix(4, 4), new Matrix(4, 4)];
    cosines.data.fill(2 / 3); // a third of the modules did not change
    gram.data.fill(1);
    assert.deepEqual(groupCopies(cosines, [gram]), [0, 1, 2, 3]);
  });

  it("lets the copy of the most usual size vote", () => {
    assert.deepEqual(listVoters([0, 1, 2, 0, 0], Float64Array.of(3, 0, 0.1, 0.2, -4)), [1, 2, 3]);
  });
});
