import assert from "node:assert/strict";
import { at, item, Matrix, stream } from "@fedclair/linalg";
import { indices } from "../lists.js";
import { judgeOverRounds } from "./over-rounds.js";
import {
  computeRoundStatistics,
  addRoundToHistories,
  type RoundStatistics,
  type ClientHistories,
} from "./client-histories.js";

const ids = indices(40).map((k) => `c${k}`);

/**
 * A round of normal pieces in which part of a client's values persists; `odd` is added to the first
 * client's values.
 */
function roundOf(seed: string, round: number, odd = [0, 0, 0, 0], agreement = 0.2) {
  const rng = stream(seed);
  const values = (piece: number) => {
    const [lasting, chance] = [rng.at("own", piece), rng.at("round", round, piece)].map((own) =>
      own.normals(ids.length),
    );
    const copies = piece === 1;
    return ids.map((_, k) => {
      const usual = copies || !lasting || !chance ? 0 : 0.4 * at(lasting, k) + at(chance, k);
      return usual + (k === 0 ? item(odd, piece) : 0);
    });
  };
  return {
    agreement: ids.map((_, k) => (k === 0 ? agreement : 0.2)),
    pieces: indices(4).map((piece) => ({ values: values(piece), weight: 1 })),
  } satisfies RoundStatistics;
}

function after(rounds: number, of: (round: number) => RoundStatistics): ClientHistories {
  let histories: ClientHistories = new Map();
  for (let round = 0; round < rounds; round++)
    histories = addRoundToHistories(histories, ids, of(round));
  return histories;
}

function listFlagged(histories: ClientHistories): string[] {
  return [...judgeOverRounds(histories, 0.01)].flatMap(([id, { isContaminated }]) =>
    isContaminated ? [id] : [],
  );
}

describe("the statistics of a round", () => {
  it("match hand-made cosines", () => {
    // Two copies, a client that is opposed, and two others.
    const cosines = Matrix.fromRows([
      [1, 1, 0.5, 0.5, -0.5],
      [1, 1, 0.5, 0.5, -0.5],
      [0.5, 0.5, 1, 0.5, -0.5],
      [0.5, 0.5, 0.5, 1, -0.5],
      [-0.5, -0.5, -0.5, -0.5, 1],
    ]);
    const { agreement, pieces } = computeRoundStatistics(cosines, [1, 1, 1, 1, 9], [2, 2, 2, 2, 2]);
    assert.deepEqual(agreement, [0.375, 0.375, 0.25, 0.25, -0.5]);
    const [apart, copy, size, flat] = pieces.map(({ values }) => values);
    assert.ok(item(apart ?? [], 4) > 1);
    // The usual distance is 0.5, and that of copies counts as 1e-6.
    assert.ok(Math.abs(item(copy ?? [], 0) - (Math.log(0.5 / 1e-6) - 3)) < 1e-12);
    assert.deepEqual(copy?.slice(2), [0, 0, 0]);
    assert.ok(item(size ?? [], 4) > 6);
    assert.deepEqual(flat, [0, 0, 0, 0, 0]);
  });
});

describe("evidence over rounds", () => {
  it("flags a client that is slightly large, flat or a copy in every round", () => {
    for (const piece of [1, 2, 3]) {
      const odd = indices(4).map((p) => (p === piece ? 3 : 0));
      assert.deepEqual(listFlagged(after(8, (round) => roundOf(`odd ${piece}`, round, odd))), [
        "c0",
      ]);
    }
  });

  it("flags a client that stands apart only if it agrees with no other client", () => {
    const histories = (agreement: number) =>
      after(8, (round) => roundOf("apart", round, [4, 0, 0, 0], agreement));
    assert.deepEqual(listFlagged(histories(-0.02)), ["c0"]);
    assert.deepEqual(listFlagged(histories(0.1)), []);
  });

  it("raises few false alarms in clean federations", () => {
    let runs = 0;
    for (let run = 0; run < 300; run++) {
      if (listFlagged(after(6, (round) => roundOf(`clean ${run}`, round))).length > 0) runs++;
    }
    assert.ok(runs <= 6, `${runs} of 300`);
  });

  it("needs enough clients and rounds, and returns the evidence of every client", () => {
    assert.equal(
      judgeOverRounds(
        after(2, (round) => roundOf("few", round)),
        0.01,
      ).size,
      0,
    );
    const all = after(5, (round) => roundOf("few", round));
    assert.equal(judgeOverRounds(new Map([...all].slice(0, 39)), 0.01).size, 0);
    const evidence = judgeOverRounds(all, 0.01).get("c7")?.evidence ?? [];
    assert.deepEqual(
      evidence.map(({ kind, rounds }) => [kind, rounds]),
      [
        ["apart", 5],
        ["copy", 5],
        ["size", 5],
        ["flat", 5],
      ],
    );
  });

  it("lets old rounds fade", () => {
    const turned = after(60, (round) => roundOf("turned", round, [0, 0, round < 20 ? 3 : 0, 0]));
    assert.deepEqual(listFlagged(turned), []);
  });
});
