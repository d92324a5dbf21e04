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

/** The Gram matrix of a module; the columns are the clients' changes. */
function gramOf(columns: readonly (readonly number[])[]): Matrix {
  const unit = columns.flatMap((change) => change.map((x) => x / (Math.hypot(...change) || 1)));
  const table = new Matrix(item(columns, 0).length, columns.length, Float64Array.from(unit));
  return multiplyTN(table, table);
}

/** A detection that flags no client, for a shared space that holds next to nothing. */
function blind(clients: number): Detection {
  const all = indices(clients);
  return { benign: all, scores: all.map(() => 5), threshold: Infinity, gap: 1 };
}

/** Clients around one direction of 60, with noise, followed by the changes in `others`. */
function changes(clients: number, seed: string, others: readonly (readonly number[])[] = []) {
  const rng = stream(seed);
  const ordinary = indices(clients).map((k) => {
    const noise = rng.at(k).normals(60);
    return [...noise.map((x, i) => (i === 0 ? 3 : 0) + 0.8 * x)];
  });
  return [...ordinary, ...others];
}

describe("the tail of Student's t", () => {
  it("agrees with tables", () => {
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

describe("Fisher statistics", () => {
  it("predict one more value from the members", () => {
    // The members have mean 2 and deviation 1: (6 − 2)/√(4/3) = 3.464 with two degrees of freedom.
    const [own] = computeFisherStatistics(
      [{ values: Float64Array.of(1, 2, 3, 6), floor: 0 }],
      [0, 1, 2],
    );
    assert.ok(
      Math.abs(at(own ?? new Float64Array(), 3) + 2 * logTail(4 / Math.sqrt(4 / 3), 2)) < 1e-12,
    );
  });

  it("do not separate values that are closer than the floor", () => {
    const values = Float64Array.of(1, 1, 1, 1.01);
    const [own = new Float64Array()] = computeFisherStatistics([{ values, floor: 0.1 }], [0, 1, 2]);
    assert.ok(at(own, 3) < 2);
  });
});

describe("a forward search", () => {
  it("inspects every size of the core, or 24 of them", () => {
    assert.deepEqual(chooseCoreSizes(9), [5, 6, 7, 8]);
    const many = chooseCoreSizes(200);
    assert.equal(many.length, 24);
    assert.deepEqual([many[0], many.at(-1)], [101, 199]);
  });

  it("reaches the outliers last", () => {
    const values = Float64Array.of(50, 0.1, -0.3, 0.2, 51, 0, -0.1, 0.4, -0.2);
    const { cores, statistics } = forwardSearch([{ values, floor: 0 }], chooseCoreSizes(9));
    assert.deepEqual(cores[2], [1, 2, 3, 5, 6, 7, 8]);
    assert.ok((statistics[2] ?? 0) > 3 * (statistics[1] ?? 0));
  });
});

describe("outliers", () => {
  const drawPieces = (seed: string, clients: number, shifted = 0) =>
    indices(3).map((piece) => {
      const values = stream(seed).at(piece).normals(clients);
      for (let k = 0; k < shifted; k++) values[k] = at(values, k) + 8;
      return { values, floor: 1e-9 };
    });

  it("are found up to four of ten", async () => {
    for (let shifted = 1; shifted <= 4; shifted++) {
      const { outliers } = await findOutliers(drawPieces(`some ${shifted}`, 10, shifted), 0.01);
      assert.deepEqual(outliers, indices(shifted));
    }
  });

  it("are found in clean federations no more often than the rate allows", async () => {
    let alarms = 0;
    for (let run = 0; run < 500; run++) {
      const { outliers } = await findOutliers(drawPieces(`clean ${run}`, 14), 0.05);
      if (outliers.length > 0) alarms++;
    }
    // Normal pieces have shorter tails than the null law assumes.
    assert.ok(alarms >= 1 && alarms <= 50, `${alarms} of 500`);
  });

  it("do not depend on the order of clients", async () => {
    const pieces = drawPieces("order", 12, 3);
    const turned = pieces.map(({ values, floor }) => ({ values: values.toReversed(), floor }));
    const { outliers } = await findOutliers(turned, 0.01);
    assert.deepEqual(outliers, [9, 10, 11]);
  });
});

describe("similarity", () => {
  it("matches hand-made changes: cosines, norms, and a pair", () => {
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

  it("counts an unchanged module as no similarity", () => {
    const { agreement } = computeSimilarity([gramOf([[1], [1], [0]])], [1, 1, 1]);
    assert.deepEqual([...agreement], [0.5, 0.5, 0]);
  });
});

describe("a judgement by evidence", () => {
  const inside = (shares: readonly number[]) => () => Promise.resolve(shares);
  const judgeColumns = (
    columns: readonly (readonly number[])[],
    detection = blind(columns.length),
  ) => {
    const shares = columns.map((change) => (change[0] ?? 0) ** 2 / Math.hypot(...change) ** 2);
    const norms = columns.map((change) => Math.hypot(...change));
    const alike = computeSimilarity([gramOf(columns)], norms);
    return judge(alike, inside(shares), detection, 0.01);
  };

  it("flags no benign client", async () => {
    const { contaminated, undecided, benign } = await judgeColumns(changes(12, "honest"));
    assert.deepEqual([contaminated, undecided.size, benign], [[], 0, indices(12)]);
  });

  it("flags large changes that point elsewhere", async () => {
    const elsewhere = [...stream("large").normals(60, 5)];
    const { contaminated, scores } = await judgeColumns(changes(12, "large", [elsewhere]));
    assert.deepEqual(contaminated, [12]);
    assert.ok(item(scores, 12) > 1 && scores.slice(0, 12).every((score) => score < 1));
  });

  it("flags a single client of usual size that is opposed", async () => {
    const [first = [], ...rest] = changes(13, "opposed").map(([x = NaN, ...noise]) => [
      x + 3,
      ...noise,
    ]);
    const { contaminated, scores, evidence } = await judgeColumns([first.map((x) => -x), ...rest]);
    assert.deepEqual(contaminated, [0]);
    assert.ok(item(scores, 0) > 1.1, String(item(scores, 0)));
    assert.match(formatEvidence(item(evidence, 0)), /^opposed to the others \(cosine -0\.\d+\)/);
  });

  it("does not flag a client that only stands apart", async () => {
    const apart = stream("apart").normals(60, 0.87);
    apart[0] = 0;
    const { contaminated, undecided, benign } = await judgeColumns(
      changes(12, "apart", [[...apart]]),
    );
    assert.deepEqual(contaminated, []);
    assert.match(undecided.get(12) ?? "", /stands apart .* without clear further evidence/);
    assert.deepEqual(benign, indices(12));
  });

  it("flags by the shared space only if it holds most of the benign changes", async () => {
    const columns = changes(9, "space");
    const scores = columns.map((_, k) => (k < 2 ? 4 : 0.5));
    const detection = { benign: indices(9).slice(2), scores, threshold: 1.4, gap: 8 };
    assert.deepEqual((await judgeColumns(columns, detection)).contaminated, [0, 1]);
    // Inside the space a client is not flagged for similarity to a few others, but for a norm a
    // hundred times as large.
    const [first = [], ...rest] = columns;
    const huge = [first.map((x) => 100 * x), ...rest];
    const inside = { ...detection, benign: indices(9), scores: scores.map(() => 0.5) };
    assert.deepEqual((await judgeColumns(columns, inside)).contaminated, []);
    assert.deepEqual((await judgeColumns(huge, inside)).contaminated, [0]);
    // A space that holds a tenth is one piece of evidence among others.
    const weak = { ...detection, scores: scores.map((x) => 6 * x), threshold: 8 };
    assert.deepEqual((await judgeColumns(columns, weak)).contaminated, []);
  });

  it("leaves everyone undecided if as many clients lie outside that space as inside", async () => {
    for (const [clients, outside, why] of [
      [8, 4, /too many may be contaminated/],
      [9, 5, /too many may be contaminated/],
    ] as const) {
      const scores = indices(clients).map((k) => (k < outside ? 4 : 0.5));
      const benign = indices(clients).slice(outside);
      const detection = { benign, scores, threshold: 1.4, gap: 8 };
      const judgement = await judgeColumns(changes(clients, "space"), detection);
      assert.deepEqual([judgement.contaminated, judgement.undecided.size], [[], clients]);
      assert.match(judgement.undecided.get(0) ?? "", why);
    }
  });

  it("leaves clients undecided that have nothing in common", async () => {
    const unrelated = indices(12).map((k) => [...stream("strangers").at(k).normals(600)]);
    const { undecided } = await judgeColumns(unrelated);
    assert.equal(undecided.size, 12);
    assert.match(undecided.get(0) ?? "", /nothing in common/);
    // A clique of large changes is flagged among them, a clique of the usual size is not.
    const clique = (size: number) =>
      indices(3).map((k) => {
        const rng = stream("clique").at(k).normals(600, 0.5);
        const common = stream("clique common").normals(600);
        return [...common.map((x, i) => size * (x + at(rng, i)))];
      });
    const large = await judgeColumns([...unrelated, ...clique(2)]);
    assert.deepEqual(large.contaminated, [12, 13, 14]);
    assert.equal(large.undecided.size, 12);
    assert.deepEqual((await judgeColumns([...unrelated, ...clique(0.9)])).contaminated, []);
  });
});

describe("judgements of whole changes and of their varying parts", () => {
  const look = (
    contaminated: number[],
    undecided: number[],
    scores: number[],
  ): ComparisonJudgement => {
    const left = [...contaminated, ...undecided];
    return {
      contaminated,
      flaggedByOutsideOnly: [],
      scores,
      isInconclusive: false,
      benign: indices(scores.length).filter((k) => !left.includes(k)),
      undecided: new Map(undecided.map((k) => [k, "stands apart"])),
      evidence: scores.map((statistic) => [{ kind: "size", statistic }]),
    };
  };
  const plain = look([0], [1], [3, 1.2, 0.4, 0.3]);

  it("flag a client that either one flags, and keep the evidence of both", () => {
    const both = mergeJudgements(plain, look([1, 2], [3], [0.1, 4, 5, 2]));
    assert.deepEqual([both.contaminated, both.benign], [[0, 1, 2], [3]]);
    assert.deepEqual([...both.undecided.keys()], []);
    // The last client stands apart in the second judgement only, which does not flag it.
    assert.deepEqual(both.scores, [3, 4, 5, 1]);
    assert.deepEqual(both.evidence[3], [
      { kind: "size", statistic: 0.3 },
      { kind: "size, in what varies", statistic: 2 },
    ]);
  });

  it("do not flag a client that only lacks the common part and is otherwise like the others", () => {
    const outside = { ...look([0, 1, 2], [], [3, 3, 3, 0.3]), flaggedByOutsideOnly: [0, 1] };
    const both = mergeJudgements(outside, look([], [1], [0.2, 2, 0.1, 0.2]));
    assert.deepEqual(both.contaminated, [1, 2]);
    assert.match(both.undecided.get(0) ?? "", /^lies outside what the others have in common/);
    // Its varying part is three times as large as any other, so it is not like them.
    const large = mergeJudgements(outside, look([], [], [3, 0.2, 0.2, 1]));
    assert.deepEqual(large.contaminated, [0, 2]);
    const nothing = { ...look([], [], [0, 0, 0, 0]), isInconclusive: true };
    assert.deepEqual(mergeJudgements(outside, nothing).contaminated, [0, 1, 2]);
  });

  it("equal the first one if the second flags no client", () => {
    const { flaggedByOutsideOnly, ...judgement } = plain;
    assert.deepEqual(flaggedByOutsideOnly, []);
    assert.deepEqual(mergeJudgements(plain, look([], [3], [0.1, 0.2, 0.2, 0.3])), judgement);
  });
});

describe("a client that started elsewhere", () => {
  const size = (pValue: number) => ({ kind: "size", statistic: 2, pValue });
  const judgement: Judgement = {
    contaminated: [0, 1, 2, 3],
    benign: [4, 6],
    isInconclusive: false,
    undecided: new Map([[5, "stands apart"]]),
    scores: [2, 2, 2, 2, 0.2, 1.1, 0.3],
    evidence: [
      [size(1e-4)],
      [size(1e-9)],
      [{ kind: "opposed", statistic: -0.3 }],
      ...Array.from({ length: 4 }, () => [size(1e-4)]),
    ],
  };

  it("is flagged only for a huge size or for being opposed", () => {
    const { contaminated, benign, undecided } = leaveOtherStartsUndecided(
      judgement,
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
      leaveOtherStartsUndecided(judgement, () => false),
      judgement,
    );
  });
});

describe("size in addition to a large common part", () => {
  /**
   * The similarity of 12 clients with a common part of norm 1.5 and a part of their own, in 200
   * dimensions.
   */
  const similarity = (own: (k: number) => number, common = 1.5) => {
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

  it("is the part that lower agreement does not explain", () => {
    const uneven = similarity((k) => 0.6 + 0.1 * k);
    const [plain, counted] = [uneven.size, sizes(uneven)].map(([...all]) => all);
    assert.ok(plain && counted);
    const spread = (all: readonly number[]) => Math.max(...all) - Math.min(...all);
    assert.ok(spread(counted) < 0.65 * spread(plain), `${spread(counted)} ${spread(plain)}`);
    // At most a factor of two is explained, and nothing where clients have little in common.
    const stranger = similarity((k) => (k === 0 ? 1000 : 1));
    assert.ok(Math.abs(at(stranger.size, 0) - at(sizes(stranger), 0) - Math.LN2) < 1e-12);
    const apart = similarity((k) => 1 + 0.1 * k, 0.3);
    assert.deepEqual(sizes(apart), apart.size);
  });
});

describe("formatted evidence", () => {
  const apart = { kind: "apart", statistic: 0.1, pValue: 0.001 };
  const clique = { kind: "clique", statistic: 0.1, pValue: 0.15 };

  it("lists pieces that are strong by themselves, or else those that may be strong together", () => {
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

  it("starts with lying outside if that flags a client by itself", () => {
    const outside = { kind: "outside", statistic: 6, limit: 1.5 };
    const judgement = "outside the shared space (4.0× the limit)";
    assert.equal(formatEvidence([outside, clique]), judgement);
    assert.equal(
      formatEvidence([outside, apart, clique]),
      `${judgement}, apart from the others (p 0.0010)`,
    );
    assert.equal(formatEvidence([{ ...outside, statistic: 1 }, clique]), "in a clique (p 0.15)");
  });

  it("lists the varying part only if the whole change does not show the same", () => {
    const size = { kind: "size, in what varies", statistic: 3, pValue: 1e-9 };
    const expected = "apart from the others (p 0.0010), large, in what varies (p < 0.0001)";
    assert.equal(formatEvidence([apart, clique, size]), expected);
    const both = { ...apart, kind: "apart, in what varies", pValue: 1e-9 };
    assert.equal(formatEvidence([apart, clique, both, size]), expected);
  });

  it("shows being opposed in place of standing apart", () => {
    const opposed = { kind: "opposed", statistic: -0.124 };
    assert.equal(formatEvidence([opposed, apart, clique]), "opposed to the others (cosine -0.12)");
  });
});
