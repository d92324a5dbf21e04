import assert from "node:assert/strict";
import { toTensor } from "@fedclair/core";
import { at, item, Matrix, multiply, stream, indices } from "@fedclair/linalg";
import {
  findThresholds,
  findThresholdsOverRounds,
  parseBank,
  readShippedBank,
  type Bank,
} from "./bank.js";
import { listCleared, plantAttackers, shareAbove, describeControls } from "./controls.js";
import {
  findAgreeingCore,
  meanCosines,
  selectClients,
  type ClientMeasures,
} from "../measures/measures.js";
import {
  decide,
  describeEvidence,
  describeForm,
  judgeMeasures,
  judgeOverRounds,
} from "./evidence.js";
import { normalEvenness, measureModule } from "../measures/module-measures.js";
import { computePieces, type PieceKind } from "./pieces.js";
import { addRound, noHistories, scoreOverRounds, type EvidenceHistories } from "./rounds.js";
import { computeScore, scoreAgainst, scoreClients } from "./score.js";

const spreads = {
  agreement: 0.25,
  opposed: 0.1,
  clique: 0.03,
  size: 0.06,
  shape: 0.08,
  evenness: 0.02,
  outside: 0.1,
  moved: 0.08,
};

/** A bank with the same thresholds for every number of clients. */
const bank: Bank = {
  name: "a test",
  spreads,
  thresholds: [
    {
      hasSpace: false,
      clients: 6,
      federations: 1,
      usual: 5,
      quantiles: [
        { rate: 0.5, score: 5 },
        { rate: 0.01, score: 10 },
      ],
    },
  ],
};

type Own = Partial<
  Record<"size" | "shape" | "evenness" | "outside", number> & { cosine: number; elsewhere: boolean }
>;

/**
 * Clients that all have cosine 0.5 with each other, norm 1, one direction and the evenness of
 * normal numbers, apart from what is given. A client's `cosine` is that with every other one.
 */
function measuresOf(clients: readonly Own[]): ClientMeasures {
  const count = clients.length;
  const cosines = new Matrix(count, count);
  clients.forEach((own, j) => {
    clients.forEach((other, i) => {
      cosines.data[i + j * count] = i === j ? 1 : (own.cosine ?? other.cosine ?? 0.5);
    });
  });
  const of = (key: "size" | "shape" | "evenness" | "outside", usual = 0) =>
    Float64Array.from(clients, (own) => own[key] ?? usual);
  return {
    cosines,
    size: of("size"),
    shape: of("shape"),
    evenness: of("evenness", normalEvenness),
    outside: of("outside", 1),
    groups: indices(count),
    startsElsewhere: clients.map(({ elsewhere }) => elsewhere === true),
    isDense: true,
    noise: { shape: 2, outside: 3, cosine: 0.01, numbers: 10_000 },
  };
}

const usual = (count: number): Own[] => Array.from({ length: count }, () => ({}));

/** Clients that differ a little in everything. */
function varied(count: number, seed: string): Own[] {
  const rng = stream(seed);
  return indices(count).map((k) => {
    const [size = 0, shape = 0, evenness = 0, outside = 0] = rng.at(k).normals(4);
    return {
      size: 0.05 * size,
      shape: 0.05 * shape,
      evenness: normalEvenness + 0.01 * evenness,
      outside: 1 + 0.1 * outside,
    };
  });
}

describe("the score of a client", () => {
  it("is its size in deviations, if nothing else is unusual", () => {
    const measures = measuresOf([...usual(8), { size: Math.log(1.15) }]);
    const { scores, trusted } = scoreClients(measures, spreads);
    // All nine are trusted. One of them at x and the others at 0 have a standard deviation of x/3;
    // a spread of 0.06 counts as six clients.
    const x = Math.log(1.15);
    const expected = x / Math.sqrt((4.5 * (x / 3) ** 2 + 6 * 0.06 ** 2) / (4.5 + 6));
    assert.deepEqual(trusted, indices(9));
    assert.ok(Math.abs(at(scores, 8) - expected) < 1e-12, `${at(scores, 8)} and ${expected}`);
    assert.equal(at(scores, 0), 0);
  });

  it("is the length of what speaks against a client, cut at 25 for each piece", () => {
    const measures = measuresOf([...usual(8), { size: 9, cosine: -0.5 }]);
    const { scores, deviations, trusted } = scoreClients(measures, spreads);
    assert.deepEqual(trusted, indices(8));
    assert.equal(at(deviations.get("size") ?? scores, 8), 25);
    // (0.5 + 0.5)/0.5/(1 − 0.25) = 2.67 usual cosines below, in spreads of 0.25·√(6/10).
    const below = 1 / 0.5 / 0.75 / (0.25 * Math.sqrt(6 / 10));
    assert.ok(Math.abs(at(deviations.get("agreement") ?? scores, 8) - below) < 1e-9);
    assert.ok(Math.abs(at(scores, 8) - Math.hypot(25, below)) < 1e-9);
  });

  it("counts a large size only, and an unusual shape on both sides", () => {
    const measures = measuresOf([...usual(8), { size: -0.3 }, { shape: 0.3 }, { shape: -0.3 }]);
    const { scores } = scoreClients(measures, spreads);
    assert.equal(at(scores, 8), 0);
    assert.ok(at(scores, 9) > 3 && Math.abs(at(scores, 9) - at(scores, 10)) < 1e-9);
  });

  it("counts each piece about a pair up to 4, so that none of them flags a client", () => {
    // Vectors in place of spaces, as below; the last one is a hundredth as far from the start.
    const rowSpaces = Matrix.fromRows(
      indices(9).map((i) => indices(9).map((j) => 100 + (i !== j ? 0 : i < 8 ? 1 : 1e-4))),
    );
    const measures = { ...measuresOf([...usual(8), { size: 0.5 }]), rowSpaces, isDense: false };
    const { scores, deviations, trusted } = scoreClients(measures, spreads);
    assert.deepEqual(trusted, indices(8));
    assert.ok(at(deviations.get("moved") ?? scores, 8) > 6);
    assert.ok(at(deviations.get("size") ?? scores, 8) > 6);
    assert.ok(Math.abs(at(scores, 8) - Math.hypot(4, 4)) < 1e-12);
    const pieces = new Map(
      Object.entries({ clique: 9, outside: 12, shape: 3, evenness: 7, size: 2 }).map(
        ([kind, x]) => [kind as PieceKind, Float64Array.of(x)] as const,
      ),
    );
    const others = [2, 3, 7];
    const near = (x: number, y: number) => {
      assert.ok(Math.abs(x - y) < 1e-12, `${x} and ${y}`);
    };
    const pairs = { isLimited: true, isDense: false };
    near(computeScore(pieces, 0, pairs), Math.hypot(4, 12, 2, 3, 4));
    near(computeScore(pieces, 0, pairs, "clique"), Math.hypot(12, 2, 3, 4));
    near(computeScore(pieces, 0, { ...pairs, isLimited: false }), Math.hypot(4, 12, ...others));
    near(
      computeScore(pieces, 0, { isLimited: false, isDense: true }),
      Math.hypot(9, 12, ...others),
    );
  });

  it("does not flag a pair that is only unlike the others, and does not call it benign", () => {
    const measures = { ...measuresOf([...usual(11), { cosine: 0 }]), isDense: false };
    const power = { boosted: 1, doubled: 1, flipped: 1, colluding: 1, noise: 1, direction: 1 };
    const options = { bank: readShippedBank(), rate: 0.05, required: [], power };
    const { clients, scores } = judgeMeasures(measures, options, stream("unlike"));
    assert.equal(at(scores.scores, 11), 0);
    assert.ok(at(scores.deviations.get("agreement") ?? scores.scores, 11) > 4);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [...usual(11).map(() => "benign"), "undecided"],
    );
    assert.match(item(clients, 11).reason, /^agrees less with the others than they do/);
  });

  it("does not depend on the order or the scale of the clients", () => {
    const clients = [...varied(12, "order"), { size: 2 }, { cosine: 0 }];
    const measures = measuresOf(clients);
    const { scores } = scoreClients(measures, spreads);
    const order = stream("permutation").sample(indices(clients.length));
    const turned = scoreClients(selectClients(measures, order), spreads);
    order.forEach((k, i) => {
      assert.ok(Math.abs(at(turned.scores, i) - at(scores, k)) < 1e-9);
    });
    const larger = scoreClients({ ...measures, size: measures.size.map((x) => x + 7) }, spreads);
    larger.scores.forEach((x, k) => {
      assert.ok(Math.abs(x - at(scores, k)) < 1e-9);
    });
  });

  it("is highest for all of four colluding clients of ten, and low for the others", () => {
    const measures = measuresOf([
      ...varied(6, "collusion"),
      ...usual(4).map(() => ({ cosine: 0 })),
    ]);
    for (const i of [6, 7, 8, 9])
      for (const j of [6, 7, 8, 9]) measures.cosines.data[i + j * 10] = i === j ? 1 : 0.9;
    const { scores } = scoreClients(measures, spreads);
    const [honest, bad] = [scores.slice(0, 6), scores.slice(6)];
    assert.ok(Math.min(...bad) > 4 && Math.max(...honest) < 2, String(scores));
  });

  it("sees no clique in a pair", () => {
    const measures = measuresOf(usual(9));
    measures.cosines.data[0 + 1 * 9] = measures.cosines.data[1 + 0 * 9] = 0.99;
    const { deviations } = scoreClients(measures, spreads);
    assert.deepEqual([...(deviations.get("clique") ?? [])], Array(9).fill(0));
  });
});

describe("the pieces of evidence", () => {
  it("see no clique in directions of a plane, some of which are always close to each other", () => {
    const cliqueOf = (angles: readonly number[]) => {
      const measures = measuresOf(usual(angles.length));
      const { data } = measures.cosines;
      angles.forEach((x, i) => {
        angles.forEach((y, j) => (data[i + j * angles.length] = Math.cos(x - y)));
      });
      const noise = { ...measures.noise, numbers: 2 };
      const { pieces } = computePieces({ ...measures, noise }, indices(angles.length));
      return pieces.find(({ kind }) => kind === "clique")?.values ?? new Float64Array();
    };
    const around = Array.from({ length: 20 }, (_, k) => (k * Math.PI) / 10);
    assert.ok(Math.max(...cliqueOf(around)) < 0, "every tenth of a half turn");
    // Seventeen clients within a tenth of a radian, and three far from them and close together.
    const near = Array.from({ length: 17 }, (_, k) => 0.1 * Math.sin(k));
    const clique = cliqueOf([...near, 2, 2.001, 2.002]);
    assert.ok(
      Math.min(...clique.slice(17)) > 10 * Math.max(...clique.slice(0, 17)),
      String(clique),
    );
  });

  it("do not look inside a space that holds half of the trusted clients' energy", () => {
    const kindsAt = (outside: number) => {
      const measures = measuresOf(usual(6).map(() => ({ outside })));
      const { pieces, hasSpace } = computePieces(measures, indices(6));
      const kinds = pieces.flatMap(({ kind, countsOnce }) => (countsOnce ? [kind] : []));
      return { kinds: kinds.sort(), hasSpace };
    };
    const kinds = ["clique", "outside", "shape", "size"];
    assert.deepEqual(kindsAt(-0.1), { kinds, hasSpace: true });
    const all = ["agreement", "clique", "evenness", "shape", "size"];
    assert.deepEqual(kindsAt(0.1), { kinds: all, hasSpace: false });
  });

  it("compare size with how far rows moved from the common start, the trusted clients' mean", () => {
    // Vectors in place of spaces: the start is 10·e₀ in seven dimensions, client k adds e_{k+1}.
    const rowSpaces = Matrix.fromRows(
      indices(6).map((i) => indices(6).map((j) => 100 + (i === j ? 1 : 0))),
    );
    const sizes = [2, 2, 2, 2, 2, 10].map((x) => ({ size: Math.log(x) }));
    const { pieces } = computePieces({ ...measuresOf(sizes), rowSpaces }, indices(5));
    const moved = pieces.find(({ kind }) => kind === "moved");
    // |e_k − mean of five|² = 0.8, times 5/4; of the sixth, 1 + 0.2, times 5/6.
    const [first = NaN, last = NaN] = [moved?.measured(0), moved?.measured(5)];
    assert.ok(Math.abs(first - 2) < 1e-9 && Math.abs(last - 10) < 1e-9, `${first} ${last}`);
  });

  it("leave out how rows moved if clients started apart, or did not train A", () => {
    const kindsOf = (entry: (i: number, j: number) => number) => {
      const rowSpaces = Matrix.fromRows(indices(6).map((i) => indices(6).map((j) => entry(i, j))));
      const { pieces } = computePieces({ ...measuresOf(usual(6)), rowSpaces }, indices(6));
      return pieces.map(({ kind }) => kind);
    };
    assert.ok(!kindsOf((i, j) => (i === j ? 1 : 0)).includes("moved"));
    assert.ok(!kindsOf(() => 1).includes("moved"));
    assert.ok(kindsOf((i, j) => (i === j ? 1 : 0.9)).includes("moved"));
  });

  it("do not compare a client that began from another A₀", () => {
    const measures = measuresOf([...usual(8), { cosine: 0, elsewhere: true }]);
    assert.equal(at(scoreClients(measures, spreads).scores, 8), 0);
  });
});

describe("the measures of a module", () => {
  const update = (rows: readonly (readonly number[])[]) => toTensor(Matrix.fromRows(rows));
  const pair = (b: number[][], a: number[][]) => ({ b: update(b), a: update(a) });

  it("are 0 for entries of one size, and ln of the mean over the root mean square", () => {
    const { evenness, shape } = measureModule([
      update([[1, -1]]),
      update([[3, 4]]),
      update([[0, 0]]),
    ]);
    assert.equal(item(evenness, 0), 0);
    assert.ok(Math.abs(item(evenness, 1) - Math.log(3.5 / Math.sqrt(12.5))) < 1e-12);
    assert.equal(item(evenness, 2), normalEvenness);
    assert.deepEqual(shape, [1, 2]);
  });

  it("compare the spaces of rows only for pairs of one rank", () => {
    // The angles between the row spaces are 0, 60 and 90 degrees.
    const rows = [
      [1, 0],
      [-5, 0],
      [1, Math.sqrt(3)],
      [0, 2],
    ];
    const { rowSpaces } = measureModule(rows.map((row) => pair([[3], [4]], [row])));
    // cos² of the angle, less 1/2, which random directions in two dimensions have, over 1/2.
    const expected = [1, 1, -0.5, -1];
    expected.forEach((x, k) => {
      assert.ok(Math.abs((rowSpaces?.get(0, k) ?? NaN) - x) < 1e-12);
    });
    const mixed = measureModule([
      pair(
        [[1, 0]],
        [
          [1, 0],
          [1, 1],
        ],
      ),
      pair([[1]], [[2, 0]]),
    ]);
    assert.equal(mixed.rowSpaces, undefined);
  });

  it("are the same for all factors of one change", () => {
    const rng = stream("factors");
    const normal = (rows: number, cols: number, name: string) =>
      new Matrix(rows, cols, Float64Array.from(rng.at(name).normals(rows * cols)));
    const sign = normal(40, 3, "b");
    sign.data.forEach((x, i) => (sign.data[i] = Math.sign(x)));
    const a = normal(3, 12, "a");
    const other = normal(3, 12, "other");
    const turn = Matrix.fromRows([
      [2, 1, 0],
      [0, 1, -1],
      [1, 0, 3],
    ]);
    const back = Matrix.fromRows([
      [3, -3, -1],
      [-1, 6, 2],
      [-1, 1, 2],
    ]).scale(1 / 5);
    const pairs: [Matrix, Matrix][] = [
      [sign, a],
      [multiply(sign, turn), multiply(back, a)],
      [sign.scale(100), a.scale(0.01)],
      [sign, other],
    ];
    const { evenness, rowSpaces } = measureModule(
      pairs.map(([b, own]) => ({ b: toTensor(b), a: toTensor(own) })),
    );
    for (const k of [1, 2]) {
      assert.ok(Math.abs(item(evenness, k) - item(evenness, 0)) < 1e-9);
      assert.ok(Math.abs((rowSpaces?.get(k, 0) ?? NaN) - 1) < 1e-9);
      assert.ok(Math.abs((rowSpaces?.get(k, 3) ?? NaN) - (rowSpaces?.get(0, 3) ?? NaN)) < 1e-9);
    }
    // Signs have one size in some coordinates; normal numbers have not.
    const noise = measureModule([{ b: toTensor(normal(40, 3, "noise")), a: toTensor(a) }]);
    assert.ok(item(evenness, 0) > -0.06, `${item(evenness, 0)}`);
    assert.ok(item(noise.evenness, 0) < -0.12, `${item(noise.evenness, 0)}`);
  });

  it("are usual for factors that are zero, dependent or too large to square", () => {
    const { evenness } = measureModule([
      pair([[0], [0]], [[1, 0]]),
      pair([[1], [0]], [[0, 0]]),
      pair([[1], [0]], [[1e200, 0]]),
    ]);
    assert.deepEqual(evenness, [normalEvenness, normalEvenness, normalEvenness]);
  });
});

describe("cosines", () => {
  it("are means over modules; an unchanged module has cosine 0", () => {
    const one = Matrix.fromRows([
      [4, 2],
      [2, 1],
    ]);
    const none = Matrix.fromRows([
      [1, 0],
      [0, 0],
    ]);
    assert.equal(meanCosines([one, none]).get(0, 1), 0.5);
  });

  it("show the clients that agree, and whether they do for certain", () => {
    const measures = measuresOf([...usual(5), { cosine: 0.1 }, { cosine: -0.2 }]);
    const core = findAgreeingCore(measures.cosines);
    assert.deepEqual(core, { members: [0, 1, 2, 3], isCertain: true, usual: 0.5 });
    // A client agrees with one half of the others as much as it disagrees with the other half.
    const none = measuresOf(indices(6).map((k) => ({ cosine: k % 2 === 0 ? 0.6 : -0.5 })));
    assert.equal(findAgreeingCore(none.cosines).isCertain, false);
  });
});

describe("a bank", () => {
  const rows: Bank = {
    ...bank,
    thresholds: [10, 40].map((clients, i) => ({
      hasSpace: true,
      clients,
      federations: 100,
      usual: 4 + 4 * i,
      quantiles: [
        { rate: 0.5, score: 4 + 4 * i },
        { rate: 0.1, score: 6 + 4 * i },
        { rate: 0.01, score: 8 + 4 * i },
      ],
    })),
  };

  const federation = { hasSpace: true, fewNumbers: false, isDense: false };
  const thresholdsOf = (clients: number, rate: number) =>
    findThresholds(rows, { ...federation, scores: new Float64Array(clients) }, rate);

  it("has thresholds by number of clients, interpolated over logarithms", () => {
    const least = { upper: 8, lower: 4, shared: 6, largest: 40, rate: 0.01 };
    const withoutNoise = (all: ReturnType<typeof thresholdsOf>) => {
      const { upper, lower, shared, largest, rate } = all;
      return { upper, lower, shared, largest, rate };
    };
    assert.deepEqual(withoutNoise(thresholdsOf(10, 0.01)), least);
    assert.deepEqual(withoutNoise(thresholdsOf(3, 0.01)), least);
    const most = { upper: 10, lower: 8, shared: 10, largest: 40, rate: 0.1 };
    assert.deepEqual(withoutNoise(thresholdsOf(900, 0.1)), most);
    // Φ⁻¹(1 − 0.05/4/20)
    assert.ok(Math.abs(thresholdsOf(20, 0.05).noise - 3.2272) < 1e-4);
    const { upper, lower } = thresholdsOf(20, 0.01);
    assert.ok(Math.abs(upper - 10) < 1e-12 && Math.abs(lower - 6) < 1e-12);
  });

  it("rounds rates down to those that it has, and names the smallest if less is wanted", () => {
    const read = (rate: number) => {
      const { upper, rate: promised } = thresholdsOf(10, rate);
      return [upper, promised];
    };
    assert.deepEqual(read(0.5), [4, 0.5]);
    assert.deepEqual(read(0.3), [6, 0.3]);
    assert.deepEqual(read(0.05), [8, 0.05]);
    assert.deepEqual(read(0.001), [8, 0.01]);
  });

  it("has rows for changes of few numbers, and uses the others where it has none", () => {
    const [first] = bank.thresholds;
    const quantiles = [
      { rate: 0.5, score: 20 },
      { rate: 0.01, score: 30 },
    ];
    const few = { clients: 10, federations: 1, usual: 20, hasSpace: true, quantiles };
    const withFew = { ...rows, thresholds: [...rows.thresholds, { ...few, fewNumbers: true }] };
    const upper = (own: Bank, hasSpace: boolean, fewNumbers: boolean) =>
      findThresholds(
        own,
        { hasSpace, fewNumbers, isDense: false, scores: new Float64Array(10) },
        0.01,
      ).upper;
    assert.deepEqual([upper(withFew, true, true), upper(withFew, false, true)], [30, 30]);
    assert.deepEqual([upper(withFew, true, false), upper(rows, true, true)], [8, 8]);
    assert.ok(first && upper(bank, true, true) === upper(bank, first.hasSpace, false));
  });

  it("flags dense changes only if they are apart from all others, or extreme", () => {
    // At a rate of 0.05 four fifths of the false alarms are gaps, and one is a score.
    const quantiles = [
      { rate: 0.04, gap: 3.5, score: 20 },
      { rate: 0.01, gap: 4, score: 25 },
    ];
    const apart = [{ clients: 10, federations: 1, quantiles }];
    const upper = (isDense: boolean, ...scores: number[]) =>
      findThresholds(
        { ...rows, apart },
        { ...federation, isDense, scores: Float64Array.from(scores) },
        0.05,
      ).upper;
    const usual = upper(false, 12, 11, 3, 2, 1, 1, 1);
    // 3.5 · 3 is 10.5, and 3.5 · 5 is more than 11.
    assert.deepEqual(
      [upper(true, 12, 11, 3, 2, 1, 1, 1), upper(true, 12, 11, 5, 2, 1, 1, 1)],
      [10.5, 25],
    );
    // The lowest gap that is large enough counts, and half of the clients are not apart.
    assert.equal(upper(true, 100, 12, 11, 3, 2, 1, 1, 1), 10.5);
    assert.equal(upper(true, 12, 12, 12, 12, 3, 1, 1, 1), 25);
    // Scores below 2 are usual, and the threshold is never lower than that of other changes.
    assert.equal(upper(true, 7.5, 1, 0, 0, 0, 0, 0), Math.max(7, usual));
    assert.ok(usual < 10.5);
  });

  it("has thresholds of its own for scores over rounds, if it was made from runs", () => {
    const upper = (overRounds: Bank["overRounds"]) =>
      findThresholdsOverRounds(
        { ...rows, ...(overRounds && { overRounds }) },
        { ...federation, scores: new Float64Array(10) },
        0.01,
      ).upper;
    assert.equal(upper(undefined), 8);
    const quantiles = [
      { rate: 0.5, score: 9 },
      { rate: 0.01, score: 12 },
    ];
    assert.equal(upper([{ clients: 10, federations: 1, usual: 9, quantiles }]), 12);
  });

  it("flags pairs over rounds where they are apart from the others", () => {
    const quantiles = [
      { rate: 0.2, score: 6.5 },
      { rate: 0.03, score: 12 },
    ];
    const overRounds = [{ pairs: true, clients: 8, federations: 1, usual: 3, quantiles }];
    const apartOverRounds = [
      {
        pairs: true,
        clients: 8,
        federations: 1,
        quantiles: [
          { rate: 0.04, gap: 3, score: 10 },
          { rate: 0.01, gap: 5, score: 20 },
        ],
      },
    ];
    const upper = (hasSpace: boolean, ...scores: number[]) =>
      findThresholdsOverRounds(
        { ...rows, overRounds, apartOverRounds },
        { ...federation, isDense: false, hasSpace, scores: Float64Array.from(scores) },
        0.05,
      ).upper;
    // 9 is more than 3 times 2.5, so all above 7.5 are apart.
    assert.equal(upper(false, 9, 9, 2.5, 2, 1, 1, 1, 1), 7.5);
    // 9 is not 3 times 4: only an extreme score would be flagged.
    assert.equal(upper(false, 9, 9, 4, 2, 1, 1, 1, 1), 20);
    // Scores below 2 are usual, and who takes part in what is shared is not flagged.
    assert.equal(upper(false, 6.9, 1, 1, 1, 1, 1, 1, 1), 6.5);
    // Federations that share a space have the other rows.
    assert.equal(upper(true, 9, 9, 2.5, 2, 1, 1, 1, 1), 12);
  });

  it("is rejected with the place of the fault", () => {
    assert.throws(() => parseBank({ ...bank, spreads: { size: -1 } }, "my.json"), {
      name: "UserError",
      message: /^my\.json: not a bank: spreads\.\w+: /,
    });
    assert.deepEqual(parseBank(readShippedBank(), "x"), readShippedBank());
  });
});

describe("positive controls", () => {
  const plantWith = (scores: ReturnType<typeof scoreClients>, upper: number) => ({
    scoreOf: (k: number, except: PieceKind | undefined) =>
      computeScore(scores.deviations, k, scores, except),
    upper,
  });
  const score = (measures: ClientMeasures) => plantWith(scoreClients(measures, spreads), 5);

  it("are found where clients agree, and named", () => {
    const measures = measuresOf(varied(12, "controls"));
    const power = shareAbove(
      plantAttackers(measures, indices(12), score, stream("plants")),
      ({ upper }) => upper,
    );
    for (const kind of ["boosted", "doubled", "flipped", "colluding", "noise"] as const)
      assert.equal(power[kind], 1, kind);
    assert.deepEqual(listCleared(power).slice(0, 3), ["boosted", "doubled", "flipped"]);
  });

  it("are not found by the company of attackers that the pile has", () => {
    // Inside a space, disagreement is no evidence. A planted client would be the third of a clique.
    const clients = varied(22, "flips").map((own) => ({ ...own, outside: -1 }));
    const measures = measuresOf(clients);
    for (let k = 0; k < 22; k++) {
      for (const flipped of [20, 21]) {
        const cosine = k >= 20 ? 1 : -0.5;
        measures.cosines.data[k + flipped * 22] = measures.cosines.data[flipped + k * 22] = cosine;
      }
    }
    const judged = judgeMeasures(measures, { bank, rate: 0.05, required: [] }, stream("flips"));
    assert.ok(!judged.cleared.includes("flipped"), JSON.stringify(judged.power));
  });

  it("score as with an agreement that is computed anew", () => {
    const scoreIt = (withKnown: boolean) =>
      plantAttackers(
        measuresOf(varied(12, "controls")),
        indices(12),
        (altered, left, agreement) =>
          plantWith(scoreAgainst(altered, left, spreads, withKnown ? agreement : undefined), 5),
        stream("plants"),
      );
    assert.deepEqual(scoreIt(true), scoreIt(false));
  });

  it("are not found where nothing can be: sizes vary by a factor, and nobody agrees", () => {
    const clients = varied(12, "no controls").map((own, k) => ({ ...own, size: (k % 4) * 1.5 }));
    const measures = measuresOf(clients);
    const rng = stream("nothing in common");
    for (let j = 0; j < 12; j++) {
      for (let i = 0; i < j; i++) {
        const [cosine = 0] = rng.at(i, j).normals(1, 0.2);
        measures.cosines.data[i + j * 12] = measures.cosines.data[j + i * 12] = cosine;
      }
    }
    const power = shareAbove(
      plantAttackers(measures, indices(12), score, stream("plants")),
      ({ upper }) => upper,
    );
    assert.deepEqual([power.flipped < 0.8, power.doubled < 0.8], [true, true]);
  });
});

describe("a judgement", () => {
  const rules = { bank, rate: 0.01, required: [] };
  const statuses = (clients: readonly Own[], required: readonly ("flipped" | "noise")[] = []) =>
    judgeMeasures(measuresOf(clients), { ...rules, required }, stream("judge")).clients.map(
      ({ status }) => status,
    );

  it("flags what stands out, and clears the others of what would have", () => {
    const clients = [...varied(11, "verdicts"), { cosine: -0.5 }];
    const { clients: judged, cleared } = judgeMeasures(measuresOf(clients), rules, stream("judge"));
    assert.deepEqual(
      judged.map(({ status }) => status),
      [...Array<string>(11).fill("benign"), "contaminated"],
    );
    assert.ok(cleared.includes("flipped"));
    assert.match(item(judged, 11).reason, /^agrees less with the others .* \(\d+\.\d deviations\)/);
    assert.match(item(judged, 0).reason, /^nothing stands out; here an update scaled by 5, /);
    const [first, second] = item(judged, 11).evidence;
    assert.ok(first && second && first.deviations >= second.deviations);
  });

  it("leaves a client between the thresholds undecided", () => {
    const clients = [...usual(11), { size: Math.log(1.4) }];
    assert.deepEqual(statuses(clients).slice(10), ["benign", "undecided"]);
  });

  it("calls nobody benign among fewer than ten, but flags", () => {
    const found = statuses([...varied(8, "few"), { size: 3, cosine: -0.5 }]);
    assert.deepEqual(found, [...Array<string>(8).fill("undecided"), "contaminated"]);
  });

  it("calls nobody benign who is not cleared of what is required", () => {
    const clients = varied(12, "required");
    assert.deepEqual(statuses(clients, ["noise"]), Array(12).fill("benign"));
    const apart = clients.map((own, k) => ({ ...own, cosine: k % 2 === 0 ? 0.4 : -0.4 }));
    assert.ok(!statuses(apart, ["flipped"]).includes("benign"));
  });
});

describe("the evidence over rounds", () => {
  const ids = indices(12).map((k) => `c${k}`);

  function runRounds(
    count: number,
    difference = 0.15,
  ): {
    histories: EvidenceHistories;
    last: ReturnType<typeof judgeMeasures>;
  } {
    let histories = noHistories;
    let last = judgeMeasures(
      measuresOf(usual(12)),
      { bank, rate: 0.01, required: [] },
      stream("r"),
    );
    for (let round = 0; round < count; round++) {
      const clients = varied(12, `round ${round}`).map((own, k) =>
        k === 0 ? { ...own, size: (own.size ?? 0) + difference } : own,
      );
      last = judgeMeasures(measuresOf(clients), { bank, rate: 0.01, required: [] }, stream("r"));
      histories = addRound(histories, ids, last.scores, indices(12));
    }
    return { histories, last };
  }

  for (const [what, difference] of [
    ["large", 0.15],
    ["small", -0.15],
  ] as const) {
    it(`finds a client that is a little ${what} in every round`, () => {
      const { histories, last } = runRounds(12, difference);
      assert.notEqual(item(last.clients, 0).status, "contaminated");
      const [first, ...others] = judgeOverRounds(last, ids, histories, { bank, rate: 0.01 });
      assert.ok(first && first.score > 3 && first.score > Math.max(...others.map((o) => o.score)));
      assert.equal(first.evidence[0]?.kind, "size");
      assert.equal(first.evidence[0].rounds, 12);
      assert.ok(first.reason.startsWith(`is ${what} (`), first.reason);
    });
  }

  it("has no say for those who are absent or new, whatever their number", () => {
    // Two clients change their names in every round, and are far larger than the ten others.
    let histories = noHistories;
    for (let round = 0; round < 12; round++) {
      const clients = varied(12, `round ${round}`).map((own, k) =>
        k < 2 ? { ...own, size: 3 } : own,
      );
      const names = ids.map((id, k) => (k < 2 ? `new-${round}-${k}` : id));
      const last = judgeMeasures(
        measuresOf(clients),
        { bank, rate: 0.01, required: [] },
        stream("r"),
      );
      histories = addRound(histories, names, last.scores, indices(12));
      const over = judgeOverRounds(last, names, histories, { bank, rate: 0.01 });
      const flagged = over.flatMap(({ status }, k) => (status === "contaminated" ? [k] : []));
      assert.deepEqual(flagged, [0, 1], `round ${round}`);
    }
  });

  it("forgets a client after 100 rounds without it", () => {
    const size = (value: number) => ({
      signed: new Map([["size", Float64Array.of(value)] as const]),
    });
    let histories = addRound(noHistories, ["gone"], size(1), [0]);
    for (let round = 0; round < 100; round++)
      histories = addRound(histories, ["here"], size(2), [0]);
    assert.deepEqual([...histories.rows.keys()], ["gone", "here"]);
    histories = addRound(histories, ["here"], size(2), [0]);
    assert.deepEqual([...histories.rows.keys()], ["here"]);
    assert.deepEqual([...histories.rounds], [101]);
  });

  it("leaves a client undecided that stands out a little in this round alone", () => {
    const { histories: before } = runRounds(10, 0);
    const clients = varied(12, "odd").map((own, k) => (k === 0 ? { ...own, size: 0.4 } : own));
    const now = judgeMeasures(measuresOf(clients), { bank, rate: 0.01, required: [] }, stream("r"));
    const histories = addRound(before, ids, now.scores, indices(12));
    const [first, second] = judgeOverRounds(now, ids, histories, { bank, rate: 0.01 });
    assert.equal(now.clients[0]?.status, "undecided");
    assert.ok(first && first.status === "undecided" && first.isPooled);
    assert.match(first.reason, /^is large \(.*\) in this round, but not over its 11 rounds$/);
    assert.equal(second?.status, "benign");
  });

  it("leaves a client undecided, and out of what is shared, that is flagged in this round alone", () => {
    const { histories: before } = runRounds(10, 0);
    const clients = varied(12, "odd").map((own, k) => (k === 0 ? { ...own, size: 1 } : own));
    const now = judgeMeasures(measuresOf(clients), { bank, rate: 0.01, required: [] }, stream("r"));
    const histories = addRound(before, ids, now.scores, indices(12));
    const [first] = judgeOverRounds(now, ids, histories, { bank, rate: 0.01 });
    assert.equal(now.clients[0]?.status, "contaminated");
    assert.ok(first && first.status === "undecided" && !first.isPooled);
    assert.match(
      first.reason,
      /^is large \(.* deviations\).* in this round, but not over its 11 rounds$/,
    );
  });

  it("keeps flagging a client as long as each of its rounds flags it by itself", () => {
    // One piece of evidence in every round never reaches these limits over rounds.
    const quantiles = [{ rate: 0.01, score: 30 }];
    const overRounds = [{ clients: 6, federations: 1, usual: 5, quantiles }];
    const options = { bank: { ...bank, overRounds }, rate: 0.01 };
    const play = (sizes: readonly number[]) => {
      let histories = noHistories;
      return sizes.map((size, round) => {
        const clients = varied(12, `round ${round}`).map((own, k) => (k === 0 ? { size } : own));
        const now = judgeMeasures(measuresOf(clients), { ...options, required: [] }, stream("r"));
        const flagged = indices(12).filter((k) => now.clients[k]?.status === "contaminated");
        histories = addRound(histories, ids, now.scores, indices(12), flagged);
        return judgeOverRounds(now, ids, histories, options)[0]?.status;
      });
    };
    assert.deepEqual(play([1, 1, 1, 1]), Array(4).fill("contaminated"));
    assert.deepEqual(play([1, 1, 0.1, 1]).slice(2), ["undecided", "undecided"]);
    assert.equal(play([0, 1]).at(-1), "undecided");
  });

  it("needs two rounds of six clients, and lets old rounds fade", () => {
    const { histories, last } = runRounds(1);
    assert.equal(scoreOverRounds(histories, ids, last.scores), undefined);
    const once = addRound(
      noHistories,
      ["c"],
      { signed: new Map([["size", Float64Array.of(2)]]) },
      [0],
    );
    const twice = addRound(once, ["c"], { signed: new Map([["size", Float64Array.of(9)]]) }, [0]);
    // 0.95·2 + 6, as a round counts for at most six deviations.
    const { sums, weights } = twice.pieces.get("size") ?? assert.fail("no size");
    assert.ok(Math.abs(at(sums, 0) - 7.9) < 1e-12);
    assert.ok(Math.abs(at(weights, 0) - 1.95) < 1e-12);
  });
});

describe("clients of two groups of copies", () => {
  it("have scores, although nobody has two others that are no copies", () => {
    const clients = usual(6);
    const measures = { ...measuresOf(clients), groups: [0, 1, 0, 1, 0, 1] };
    const { scores } = scoreClients(measures, bank.spreads);
    assert.ok(scores.every(Number.isFinite), String(scores));
  });
});

describe("lasting differences", () => {
  const lastsWith = (sizeOf: (round: number, client: number) => number) => {
    let histories = noHistories;
    for (let round = 0; round < 6; round++) {
      const sizes = Float64Array.from(indices(12), (client) => sizeOf(round, client));
      histories = addRound(
        histories,
        indices(12).map(String),
        { signed: new Map([["size", sizes]]) },
        indices(12),
      );
    }
    const signed = new Map([["size", new Float64Array(12)] as const]);
    const latest = {
      signed,
      voters: indices(12),
      hasSpace: false,
      fewNumbers: false,
      isDense: false,
    };
    return scoreOverRounds(histories, indices(12).map(String), latest) === undefined;
  };
  const chance = (round: number, client: number) => stream("chance").at(round, client).normal();

  it("are those that clients show again in every round, which then says nothing new", () => {
    assert.equal(
      lastsWith((_, client) => chance(0, client)),
      true,
    );
    assert.equal(lastsWith(chance), false);
  });

  it("are judged by the trusted clients, not by attackers that stand out in every round", () => {
    assert.equal(
      lastsWith((round, client) => (client < 4 ? 6 : chance(round, client))),
      false,
    );
  });
});

describe("sentences", () => {
  it("name the two strongest pieces", () => {
    const pieces = [
      { kind: "size", statistic: -2, deviations: 9.25 },
      { kind: "agreement", statistic: 0.1, deviations: 3 },
      { kind: "shape", statistic: 3, deviations: 2 },
    ] as const;
    assert.equal(
      describeEvidence(pieces),
      "is large (9.3 deviations) and agrees less with the others than they do with each other (3.0 deviations)",
    );
  });

  it("tell a client that looks forged from one that is merely unlike the others", () => {
    const unlike = { kind: "clique", statistic: 0.4, deviations: 9 } as const;
    const form = (deviations: number) => ({ kind: "shape", statistic: 3, deviations }) as const;
    assert.match(describeForm([unlike, form(2.9)], 3), /^an outlier of usual size and shape$/);
    assert.match(describeForm([unlike, form(3.1)], 3), /^looks forged$/);
  });

  it("name honest minorities beside colluders", () => {
    const limits = { upper: 5, lower: 3, shared: 4, noise: 5, largest: 5, rate: 0.05 };
    const usual = { canBeBenign: true, usualReason: "nothing stands out" };
    const pieces = (kind: "clique" | "size") => [{ kind, statistic: 0.4, deviations: 4 }];
    const reasonOf = (kind: "clique" | "size") => decide(4, limits, pieces(kind), usual).reason;
    assert.match(reasonOf("clique"), /, which colluders do, and honest clients with data of their/);
    assert.match(reasonOf("size"), /\(4\.0 deviations\), which honest clients do as well$/);
  });

  it("say what is unusually small over rounds", () => {
    const piece = { kind: "size", statistic: -2, deviations: 9.25, rounds: 3 } as const;
    assert.equal(describeEvidence([piece]), "is small (9.3 deviations)");
  });

  it("say what a client is cleared of, and what it is not", () => {
    const power = { boosted: 1, doubled: 0.9, flipped: 0.3, colluding: 1, noise: 1, direction: 0 };
    assert.equal(
      describeControls(["boosted", "noise"], power, [], false),
      "nothing stands out; here an update scaled by 5, normal noise of the usual size would, an update scaled by 2 in 90 % of attempts, " +
        "an update with its sign flipped in 30 % of attempts, four clients with part of a random direction in common (cosine .3) in 100 % of attempts, one random direction of the usual size and shape in 0 % of attempts",
    );
    assert.match(describeControls([], power, [], false), /no attacker that was planted/);
    assert.match(describeControls(["noise"], power, ["flipped"], false), /neither would an update/);
    assert.match(describeControls([], power, [], true), /so few clients/);
  });
});
