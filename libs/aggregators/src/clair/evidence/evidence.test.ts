import assert from "node:assert/strict";
import { Matrix, at, item, multiplyTN, stream } from "@fedclair/linalg";
import type { Detection } from "../detection/detect.js";
import { indices } from "../lists.js";
import { forwardSearch, chooseCoreSizes } from "./forward-search.js";
import {
  leaveOtherStartsUndecided,
  judge,
  mergeJudgements,
  type Judgement,
  type ComparisonJudgement,
} from "./judge.js";
import { findOutliers } from "./outliers.js";
import {
  findAgreeingCore,
  sizePiece,
  computeSimilarity,
  computePieces,
  type Similarity,
} from "./pieces.js";
import { computeFisherStatistics } from "./fisher-statistics.js";
import { logTail } from "./t-tail.js";
import { formatEvidence } from "./format-evidence.js";

/** One module of clients: columns are their changes. */
function gramOf(columns: readonly (readonly number[])[]): Matrix {
  const unit = columns.flatMap((change) => change.map((x) => x / (Math.hypot(...change) || 1)));
  const table = new Matrix(item(columns, 0).length, columns.length, Float64Array.from(unit));
  return multiplyTN(table, table);
}

/** Nobody by the shared space, which holds next to nothing. */
function blind(clients: number): Detection {
  const all = indices(clients);
  return { benign: all, scores: all.map(() => 5), threshold: Infinity, gap: 1 };
}

/** K clients around one direction of 60, with noise; the others as told. */
function changes(clients: number, seed: string, others: readonly (readonly number[])[] = []) {
  const rng = stream(seed);
  const honest = indices(clients).map((k) => {
    const noise = rng.at(k).normals(60);
    return [...noise.map((x, i) => (i === 0 ? 3 : 0) + 0.8 * x)];
  });
  return [...honest, ...others];
}

describe("the tail of Student's t", () => {
  it("is as in tables", () => {
    for (const [t, df, p] of [
      [2.776, 4, 0.025],
      [2.262, 9, 0.025],
      [4.604, 4, 0.005],
      [0, 7, 0.5],
      [-2.228, 10, 0.975],
    ] as const) {
      assert.ok(Math.abs(Math.exp(logTail(t, df)) / p - 1) < 0.06, `${t} ${df}`);
    }
  });

  it("is finite far out", () => {
    assert.ok(logTail(1e9, 5) > -1e3);
    assert.ok(logTail(-1e9, 5) <= 0);
  });
});

describe("surprise", () => {
  it("is that of one more than the members", () => {
    // Mean 2 and deviation 1 of three: (6 − 2)/√(4/3) = 3.464 of two degrees.
    const [own] = computeFisherStatistics(
      [{ values: Float64Array.of(1, 2, 3, 6), floor: 0 }],
      [0, 1, 2],
    );
    assert.ok(
      Math.abs(at(own ?? new Float64Array(), 3) + 2 * logTail(4 / Math.sqrt(4 / 3), 2)) < 1e-12,
    );
  });

  it("does not tell apart what is nearer than the floor", () => {
    const values = Float64Array.of(1, 1, 1, 1.01);
    const [own = new Float64Array()] = computeFisherStatistics([{ values, floor: 0.1 }], [0, 1, 2]);
    assert.ok(at(own, 3) < 2);
  });
});

describe("a forward search", () => {
  it("looks at every size of the core, or at 24 of them", () => {
    assert.deepEqual(chooseCoreSizes(9), [5, 6, 7, 8]);
    const many = chooseCoreSizes(200);
    assert.equal(many.length, 24);
    assert.deepEqual([many[0], many.at(-1)], [101, 199]);
  });

  it("comes to the outliers last", () => {
    const values = Float64Array.of(50, 0.1, -0.3, 0.2, 51, 0, -0.1, 0.4, -0.2);
    const { cores, statistics: seen } = forwardSearch([{ values, floor: 0 }], chooseCoreSizes(9));
    assert.deepEqual(cores[2], [1, 2, 3, 5, 6, 7, 8]);
    assert.ok((seen[2] ?? 0) > 3 * (seen[1] ?? 0));
  });
});

describe("outliers", () => {
  const drawn = (seed: string, clients: number, shifted = 0) =>
    indices(3).map((piece) => {
      const values = stream(seed).at(piece).normals(clients);
      for (let k = 0; k < shifted; k++) values[k] = at(values, k) + 8;
      return { values, floor: 1e-9 };
    });

  it("are found up to four of ten", async () => {
    for (let shifted = 1; shifted <= 4; shifted++) {
      const { outliers } = await findOutliers(drawn(`some ${shifted}`, 10, shifted), 0.01);
      assert.deepEqual(outliers, indices(shifted));
    }
  });

  it("are seen where there are none in no more federations than the rate allows", async () => {
    let seen = 0;
    for (let run = 0; run < 500; run++) {
      const { outliers } = await findOutliers(drawn(`clean ${run}`, 14), 0.05);
      if (outliers.length > 0) seen++;
    }
    // Normal pieces have shorter tails than the null law supposes.
    assert.ok(seen >= 1 && seen <= 50, `${seen} of 500`);
  });

  it("do not depend on the order of clients", async () => {
    const pieces = drawn("order", 12, 3);
    const turned = pieces.map(({ values, floor }) => ({ values: values.toReversed(), floor }));
    const { outliers } = await findOutliers(turned, 0.01);
    assert.deepEqual(outliers, [9, 10, 11]);
  });
});

describe("likeness", () => {
  it("is of hand-made changes: cosines, norms, and a pair", () => {
    const hand = [
      [2, 0],
      [1, 0],
      [1, 0],
      [0, 3],
      [0, 1],
    ];
    const { agreement, size, clique } = computeSimilarity([gramOf(hand)], [2, 1, 1, 3, 1]);
    assert.deepEqual([...agreement], [0.5, 0.5, 0.5, 0, 0]);
    assert.ok(Math.abs(at(size, 0) - Math.log(2)) < 1e-15);
    assert.deepEqual([...clique], [0.5, 0.5, 0.5, 0.5, 0.5]);
    assert.deepEqual(findAgreeingCore({ agreement }), [0, 1, 2]);
  });

  it("takes a module that a client did not change for no likeness", () => {
    const { agreement } = computeSimilarity([gramOf([[1], [1], [0]])], [1, 1, 1]);
    assert.deepEqual([...agreement], [0.5, 0.5, 0]);
  });
});

describe("a judgement by evidence", () => {
  const inside = (shares: readonly number[]) => () => Promise.resolve(shares);
  const judged = (columns: readonly (readonly number[])[], detection = blind(columns.length)) => {
    const shares = columns.map((change) => (change[0] ?? 0) ** 2 / Math.hypot(...change) ** 2);
    const norms = columns.map((change) => Math.hypot(...change));
    const alike = computeSimilarity([gramOf(columns)], norms);
    return judge(alike, inside(shares), detection, 0.01);
  };

  it("names nobody among honest clients", async () => {
    const { contaminated, undecided, benign } = await judged(changes(12, "honest"));
    assert.deepEqual([contaminated, undecided.size, benign], [[], 0, indices(12)]);
  });

  it("names large changes that point elsewhere", async () => {
    const elsewhere = [...stream("large").normals(60, 5)];
    const { contaminated, scores } = await judged(changes(12, "large", [elsewhere]));
    assert.deepEqual(contaminated, [12]);
    assert.ok(item(scores, 12) > 1 && scores.slice(0, 12).every((score) => score < 1));
  });

  it("names a client that is opposed, alone and of usual size", async () => {
    const [first = [], ...rest] = changes(13, "opposed").map(([x = NaN, ...noise]) => [
      x + 3,
      ...noise,
    ]);
    const { contaminated, scores, evidence } = await judged([first.map((x) => -x), ...rest]);
    assert.deepEqual(contaminated, [0]);
    assert.ok(item(scores, 0) > 1.1, String(item(scores, 0)));
    assert.match(formatEvidence(item(evidence, 0)), /^opposed to the others \(cosine -0\.\d+\)/);
  });

  it("does not accuse who only stands apart", async () => {
    const apart = stream("apart").normals(60, 0.87);
    apart[0] = 0;
    const { contaminated, undecided, benign } = await judged(changes(12, "apart", [[...apart]]));
    assert.deepEqual(contaminated, []);
    assert.match(undecided.get(12) ?? "", /stands apart .* nothing else/);
    assert.deepEqual(benign, indices(12));
  });

  it("convicts by the shared space alone where that holds most of the benign changes", async () => {
    const columns = changes(9, "space");
    const scores = columns.map((_, k) => (k < 2 ? 4 : 0.5));
    const detection = { benign: indices(9).slice(2), scores, threshold: 1.4, gap: 8 };
    assert.deepEqual((await judged(columns, detection)).contaminated, [0, 1]);
    // Inside it nobody is suspect for being like some others; one that is a hundred times as large is.
    const [first = [], ...rest] = columns;
    const huge = [first.map((x) => 100 * x), ...rest];
    const inside = { ...detection, benign: indices(9), scores: scores.map(() => 0.5) };
    assert.deepEqual((await judged(columns, inside)).contaminated, []);
    assert.deepEqual((await judged(huge, inside)).contaminated, [0]);
    // Where it holds a tenth, it is one piece among others.
    const weak = { ...detection, scores: scores.map((x) => 6 * x), threshold: 8 };
    assert.deepEqual((await judged(columns, weak)).contaminated, []);
  });

  it("says nothing where as many lie outside that space as inside", async () => {
    for (const [clients, outside, why] of [
      [8, 4, /too many may be contaminated/],
      [9, 5, /too many may be contaminated/],
    ] as const) {
      const scores = indices(clients).map((k) => (k < outside ? 4 : 0.5));
      const benign = indices(clients).slice(outside);
      const detection = { benign, scores, threshold: 1.4, gap: 8 };
      const said = await judged(changes(clients, "space"), detection);
      assert.deepEqual([said.contaminated, said.undecided.size], [[], clients]);
      assert.match(said.undecided.get(0) ?? "", why);
    }
  });

  it("says nothing of clients that have nothing in common", async () => {
    const strangers = indices(12).map((k) => [...stream("strangers").at(k).normals(600)]);
    const { undecided } = await judged(strangers);
    assert.equal(undecided.size, 12);
    assert.match(undecided.get(0) ?? "", /nothing in common/);
    // A clique of large ones is seen among them, one of their size is not.
    const clique = (size: number) =>
      indices(3).map((k) => {
        const rng = stream("clique").at(k).normals(600, 0.5);
        const common = stream("clique common").normals(600);
        return [...common.map((x, i) => size * (x + at(rng, i)))];
      });
    const large = await judged([...strangers, ...clique(2)]);
    assert.deepEqual(large.contaminated, [12, 13, 14]);
    assert.equal(large.undecided.size, 12);
    assert.deepEqual((await judged([...strangers, ...clique(0.9)])).contaminated, []);
  });
});

describe("two looks at the same clients", () => {
  const look = (
    contaminated: number[],
    undecided: number[],
    scores: number[],
  ): ComparisonJudgement => {
    const left = [...contaminated, ...undecided];
    return {
      ...{ contaminated, flaggedByOutsideOnly: [], scores, isInconclusive: false },
      benign: indices(scores.length).filter((k) => !left.includes(k)),
      undecided: new Map(undecided.map((k) => [k, "stands apart"])),
      evidence: scores.map((statistic) => [{ kind: "size", statistic }]),
    };
  };
  const plain = look([0], [1], [3, 1.2, 0.4, 0.3]);

  it("accuse whom either does, and tell what the second shows of all", () => {
    const both = mergeJudgements(plain, look([1, 2], [3], [0.1, 4, 5, 2]));
    assert.deepEqual([both.contaminated, both.benign], [[0, 1, 2], [3]]);
    assert.deepEqual([...both.undecided.keys()], []);
    // The last one stands apart in the second look alone, which does not convict.
    assert.deepEqual(both.scores, [3, 4, 5, 1]);
    assert.deepEqual(both.evidence[3], [
      { kind: "size", statistic: 0.3 },
      { kind: "size, in what varies", statistic: 2 },
    ]);
  });

  it("accuse nobody who only lacks the common part, and is in what varies as others are", () => {
    const outside = { ...look([0, 1, 2], [], [3, 3, 3, 0.3]), byOutsideAlone: [0, 1] };
    const both = mergeJudgements(outside, look([], [1], [0.2, 2, 0.1, 0.2]));
    assert.deepEqual(both.contaminated, [1, 2]);
    assert.match(both.undecided.get(0) ?? "", /^lies outside what the others have in common/);
    // Three times as large in it as any other is not like them.
    const large = mergeJudgements(outside, look([], [], [3, 0.2, 0.2, 1]));
    assert.deepEqual(large.contaminated, [0, 2]);
    const nothing = { ...look([], [], [0, 0, 0, 0]), isSilent: true };
    assert.deepEqual(mergeJudgements(outside, nothing).contaminated, [0, 1, 2]);
  });

  it("are the first where the second accuses nobody", () => {
    const { flaggedByOutsideOnly: byOutsideAlone, ...said } = plain;
    assert.deepEqual(byOutsideAlone, []);
    assert.deepEqual(mergeJudgements(plain, look([], [3], [0.1, 0.2, 0.2, 0.3])), said);
  });
});

describe("who began elsewhere", () => {
  const size = (pValue: number) => ({ kind: "size", statistic: 2, pValue });
  const said: Judgement = {
    ...{ contaminated: [0, 1, 2, 3], benign: [4, 6], isInconclusive: false },
    undecided: new Map([[5, "stands apart"]]),
    scores: [2, 2, 2, 2, 0.2, 1.1, 0.3],
    evidence: [
      [size(1e-4)],
      [size(1e-9)],
      [{ kind: "opposed", statistic: -0.3 }],
      ...Array.from({ length: 4 }, () => [size(1e-4)]),
    ],
  };

  it("is accused only if out of all proportion, or opposed", () => {
    const { contaminated, benign, undecided } = leaveOtherStartsUndecided(
      said,
      (k) => k !== 3 && k !== 6,
    );
    assert.deepEqual(
      [contaminated, benign],
      [
        [1, 2, 3],
        [4, 6],
      ],
    );
    assert.deepEqual([...undecided.keys()].sort(), [0, 5]);
    for (const why of undecided.values()) assert.match(why, /another A₀ than most/);
    assert.deepEqual(
      leaveOtherStartsUndecided(said, () => false),
      said,
    );
  });
});

describe("size beside a large part in common", () => {
  /** Of 12 clients a common part of norm 1.5 and an own one, among 200 dimensions. */
  const likeness = (own: (k: number) => number, common = 1.5) => {
    const rng = stream("own sizes");
    const columns = indices(12).map((k) => {
      const noise = rng.at(k).normals(200, own(k) / Math.sqrt(200));
      return [...noise.map((x, i) => x + (i === 0 ? common : 0))];
    });
    const norms = columns.map((change) => Math.hypot(...change));
    return computeSimilarity([gramOf(columns)], norms);
  };
  const sizes = (of: Similarity) =>
    item(
      computePieces(
        of,
        indices(12).map(() => 0.5),
        findAgreeingCore(of),
      ),
      sizePiece,
    ).values;

  it("is what less agreement does not explain", () => {
    const uneven = likeness((k) => 0.6 + 0.1 * k);
    const [plain, counted] = [uneven.size, sizes(uneven)].map(([...all]) => all);
    assert.ok(plain && counted);
    const spread = (all: readonly number[]) => Math.max(...all) - Math.min(...all);
    assert.ok(spread(counted) < 0.65 * spread(plain), `${spread(counted)} ${spread(plain)}`);
    // At most twice as large, and where little is in common not at all.
    const stranger = likeness((k) => (k === 0 ? 1000 : 1));
    assert.ok(Math.abs(at(stranger.size, 0) - at(sizes(stranger), 0) - Math.LN2) < 1e-12);
    const apart = likeness((k) => 1 + 0.1 * k, 0.3);
    assert.deepEqual(sizes(apart), apart.size);
  });
});

describe("evidence in words", () => {
  const apart = { kind: "apart", statistic: 0.1, pValue: 0.001 };
  const clique = { kind: "clique", statistic: 0.1, pValue: 0.15 };

  it("is what tells by itself, or else what may together", () => {
    const size = { kind: "size", statistic: 2, pValue: 0.02 };
    assert.equal(
      formatEvidence([apart, size, clique]),
      "apart from the others (p 0.0010), large (p 0.020)",
    );
    assert.equal(
      formatEvidence([apart, clique]),
      "apart from the others (p 0.0010), in a clique (p 0.15)",
    );
    assert.equal(
      formatEvidence([
        { ...apart, pValue: 0.5 },
        { ...clique, pValue: 0.5 },
      ]),
      "",
    );
  });

  it("is lying outside first, where that convicts by itself", () => {
    const outside = { kind: "outside", statistic: 6, limit: 1.5 };
    const said = "outside the shared space (4.0× the limit)";
    assert.equal(formatEvidence([outside, clique]), said);
    assert.equal(
      formatEvidence([outside, apart, clique]),
      `${said}, apart from the others (p 0.0010)`,
    );
    assert.equal(formatEvidence([{ ...outside, statistic: 1 }, clique]), "in a clique (p 0.15)");
  });

  it("is of what varies where the whole change does not say the same", () => {
    const size = { kind: "size, in what varies", statistic: 3, pValue: 1e-9 };
    const told = "apart from the others (p 0.0010), large, in what varies (p < 0.0001)";
    assert.equal(formatEvidence([apart, clique, size]), told);
    const both = { ...apart, kind: "apart, in what varies", pValue: 1e-9 };
    assert.equal(formatEvidence([apart, clique, both, size]), told);
  });

  it("is being opposed in place of standing apart", () => {
    const opposed = { kind: "opposed", statistic: -0.124 };
    assert.equal(formatEvidence([opposed, apart, clique]), "opposed to the others (cosine -0.12)");
  });
});
