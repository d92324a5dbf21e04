import assert from "node:assert/strict";
import { hstack, item, Matrix, stream } from "@fedclair/linalg";
import { clair } from "../clair.js";
import { clairSchema } from "../options.js";
import { compressChange } from "../updates/change.js";
import { createView, chooseRank } from "./module-view.js";

const options = clairSchema.parse({ rule: "gap" });

/**
 * Four clients of 8 rows, or another number. The first two lie in three directions with squared
 * lengths in the ratio 4, 3.61 and 3.24; the others lie in one.
 */
function views(rows = 8) {
  const diagonal = (...entries: number[]) => {
    const matrix = new Matrix(rows, rows);
    entries.forEach((x, i) => (matrix.data[i * (rows + 1)] = x));
    return matrix;
  };
  const two = diagonal(2, 1.9, 1.8);
  const one = diagonal(0, 0, 0, 3);
  const blocks = [two, two, one, one].map((change) => compressChange(change, "left"));
  return [createView(4, (k) => item(blocks, k), "left", 1, 8)];
}

const always = (members: readonly number[]) => () => Promise.resolve(members);

describe("chooseRank", () => {
  it("returns the rank with the clearest drop of the members' spectrum", async () => {
    // The drops for the first two clients are 4 to 3.61, 3.61 to 3.24, and 3.24 to nothing.
    assert.equal(await chooseRank(views(), options, always([0, 1])), 3);
    // With all clients the others' direction counts twice, as each client has norm 1: 2, 0.74,
    // 0.67, 0.60, nothing.
    assert.equal(await chooseRank(views(), options, always([0, 1, 2, 3])), 4);
  });

  it("returns at most half of the dimensions, because larger spaces hold most of any change", async () => {
    assert.equal(await chooseRank(views(6), options, always([0, 1])), 3);
    assert.equal(await chooseRank(views(5), options, always([0, 1])), 2);
    assert.equal(await chooseRank(views(4), options, always([0, 1, 2, 3])), 1);
  });

  it("searches no rank that the rough search finds far from the clearest", async () => {
    const searched: number[] = [];
    const membersAt = (rank: number) => {
      searched.push(rank);
      return Promise.resolve([0, 1]);
    };
    // In the rough search, one direction is as clear as three.
    const roughlyAt = (rank: number) => Promise.resolve(rank === 1 ? [2, 3] : [0, 1]);
    assert.equal(await chooseRank(views(), options, membersAt, roughlyAt), 3);
    assert.deepEqual(searched, [1, 3]);
    searched.length = 0;
    assert.equal(await chooseRank(views(), options, membersAt, always([0, 1])), 3);
    assert.deepEqual(searched, [], "one rank is left, and taken");
  });

  it("finds the rank of large modules as of small ones, with contaminated clients", async () => {
    for (const [rank, kind] of [
      [2, "independent"],
      [5, "collude"],
    ] as const) {
      const rng = stream("rank").at(rank);
      const p = 150;
      const draw = (cols: number, ...keys: (string | number)[]) =>
        new Matrix(p, cols, rng.at(...keys).normals(p * cols));
      const shared = draw(rank, "shared");
      const updates = Array.from({ length: 20 }, (_, k) => {
        const own = k < 6 ? draw(rank, kind, kind === "collude" ? 0 : k) : shared;
        const mixed = hstack([own, draw(8 - rank, "noise", k).scale(0.02)]);
        const b = { shape: [p, 8], data: mixed.toRowMajor() };
        const a = { shape: [8, p], data: rng.at("a", k).normals(8 * p) };
        return {
          clientId: `c${k}`,
          numExamples: 1,
          metrics: {},
          delta: new Map([["m", { b, a }]]),
        };
      });
      const { spaces, status, modules } = await clair(updates, options);
      modules.close();
      assert.equal(spaces.get("m")?.rank, rank);
      assert.deepEqual(
        [...status.values()],
        updates.map((_, k) => (k < 6 ? "contaminated" : "benign")),
      );
    }
  });
});
