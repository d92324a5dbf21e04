import assert from "node:assert/strict";
import { toTensor, type Delta, type Update } from "@fedclair/core";
import { addScaled, gaussian, indices, multiply, stream } from "@fedclair/linalg";
import { idOf } from "@fedclair/rules/testing";
import { clair } from "../clair.js";
import { clairSchema } from "../options.js";

const rng = stream("profile");
const names = ["a", "b", "c", "d", "e", "f"];
const [rows, columns, rank] = [20, 16, 2];

/**
 * The pairs of a client, whose columns are half those of all.
 * @param share of the energy in module c
 */
function update(k: number, share: number, isDense: boolean): Update {
  const delta: Delta = new Map(
    names.map((name) => {
      const own = rng.at(name, k);
      const b = gaussian(rng.at(name), rows, rank);
      addScaled(b, 1, gaussian(own.at("b"), rows, rank));
      const scale = Math.sqrt(name === "c" ? share : (1 - share) / (names.length - 1));
      const a = gaussian(rng.at(name, "a"), rank, columns).scale(scale);
      const pair = { b: toTensor(b), a: toTensor(a) };
      return [name, isDense ? toTensor(multiply(b, a)) : pair] as const;
    }),
  );
  return { clientId: idOf(k), delta, numExamples: 1, metrics: {} };
}

async function judge(share: number, { rule = {}, isDense = false } = {}) {
  const usual = 1 / names.length;
  const updates = indices(14).map((k) => update(k, k === 3 ? share : usual, isDense));
  const result = await clair(updates, clairSchema.parse({ rule: { by: "evidence", ...rule } }));
  result.modules.close();
  return {
    odd: result.verdicts.get(idOf(3)),
    others: [...result.verdicts].filter(([id]) => id !== idOf(3)),
    isPooled: result.pooled.some(({ id }) => id === idOf(3)),
  };
}

describe("the profile of a change over modules", () => {
  it("leaves a client undecided and out that has most of its energy where others have little", async () => {
    const { odd, others, isPooled } = await judge(0.9);
    assert.deepEqual([odd?.status, isPooled], ["undecided", false]);
    assert.match(
      odd?.reason ?? "",
      /where the others have little: 9\d % in c, where 1\d % is usual$/,
    );
    for (const [, { reason = "" }] of others) assert.doesNotMatch(reason, /most of its energy/);
    const pooling = await judge(0.9, { rule: { undecided: "in" } });
    assert.deepEqual([pooling.odd?.status, pooling.isPooled], ["undecided", true]);
  });

  it("allows half of the energy to be elsewhere, and says nothing about dense changes", async () => {
    for (const [share, isDense] of [
      [0.6, false],
      [0.9, true],
    ] as const) {
      const { odd } = await judge(share, { isDense });
      assert.doesNotMatch(odd?.reason ?? "", /most of its energy/);
    }
  });
});
