import assert from "node:assert/strict";
import type { VerdictStatus } from "@fedclair/core";
import type { Finding } from "../findings.js";
import { groupLabel, groupSentences, spanOf } from "./group-text.js";
import { clusters, drawnOf, drawnText, groupsOf, partingsOf } from "./groups.js";

const finding = (name: string, status: VerdictStatus, score: number | null = 1): Finding => ({
  ...{ name, status, score, modules: [] },
});

/** Cosines of adapters of which those with one letter are alike by 0.7, benign ones (`b`) by 0.2, others by 0. */
function madeAudit(kinds: string) {
  const status = { a: "contaminated", c: "contaminated", x: "contaminated", b: "benign" } as const;
  const letters = Array.from(kinds) as (keyof typeof status)[];
  const adapters = letters.map((kind, i) => finding(`${kind}-${i}`, status[kind]));
  const cosines = letters.map((one, i) =>
    letters.map((other, j) => {
      if (i === j) return 1;
      return one !== other || one === "x" ? 0 : one === "b" ? 0.2 : 0.7;
    }),
  );
  return { adapters, alike: { names: adapters.map(({ name }) => name), cosines } };
}

describe("groups of adapters that are alike", () => {
  it("joins what is most alike on average, the first of equals first, down to a limit", () => {
    const cosines = [
      [1, 0, 0.9, 0.1],
      [0, 1, 0, 0.8],
      [0.9, 0, 1, 0.3],
      [0.1, 0.8, 0.3, 1],
    ];
    assert.deepEqual(clusters([0, 1, 2, 3], cosines, 0.5), [
      [0, 2],
      [1, 3],
    ]);
    assert.deepEqual(clusters([0, 1, 2, 3], cosines, -Infinity), [[0, 2, 1, 3]]);
    // 3 is alike to 0 and 2 by 0.2 on average.
    assert.deepEqual(clusters([0, 2, 3], cosines, 0.2), [[0, 2, 3]]);
    assert.deepEqual(clusters([0, 2, 3], cosines, 0.21), [[0, 2], [3]]);
    assert.deepEqual(clusters([], cosines, 0), []);
  });

  it("puts contaminated ones together, the largest group first, the lone ones last, then the benign", () => {
    const groups = groupsOf(madeAudit("babaxccbcxb"));
    assert.deepEqual(
      groups.map(({ names }) => names.join(" ")),
      ["c-5 c-6 c-8", "a-1 a-3", "x-4 x-9", "b-0 b-2 b-7 b-10"],
    );
    assert.deepEqual(
      groups.map(({ alike }) => alike),
      [0.7, 0.7, undefined, 0.2],
    );
    assert.deepEqual(partingsOf(groups), [3, 5, 7]);
    assert.deepEqual(groupSentences(groups), [
      "c-5, c-6, c-8 (contaminated) are alike by 0.70 (median), the benign by 0.20.",
      "a-1, a-3 (contaminated) are alike by 0.70 (median), the benign by 0.20.",
      "x-4, x-9 (contaminated) belong to no group of their own.",
    ]);
  });

  it("does not depend on the order in which adapters that differ are given", () => {
    const { adapters, alike } = madeAudit("aabbbcc");
    const turned = {
      adapters: adapters.toReversed(),
      alike: {
        names: alike.names.toReversed(),
        cosines: alike.cosines.map((row) => row.toReversed()).reverse(),
      },
    };
    const sorted = (audit: typeof turned) => groupsOf(audit).map(({ names }) => names.toSorted());
    assert.deepEqual(sorted(turned).sort(), sorted({ adapters, alike }).sort());
  });

  it("says how alike the benign are where nobody else is", () => {
    assert.deepEqual(groupSentences(groupsOf(madeAudit("bbb"))), [
      "The 3 benign adapters are alike by 0.20 (median).",
    ]);
    assert.deepEqual(groupSentences([]), []);
  });

  it("goes by status where likeness is not known, and leaves out who was not scored", () => {
    const adapters = [
      finding("y", "benign"),
      finding("z", "contaminated"),
      finding("i", "inactive", null),
      finding("u", "undecided"),
    ];
    assert.deepEqual(groupsOf({ adapters }), [
      { status: "contaminated", names: ["z"] },
      { status: "undecided", names: ["u"] },
      { status: "benign", names: ["y"] },
    ]);
  });

  it("names running numbers by their ends, and no others", () => {
    assert.equal(spanOf(["bad-10", "bad-8", "bad-9"]), "bad-8 … 10");
    assert.equal(spanOf(["bad-1", "bad-2", "bad-4"]), "bad-1, bad-2, bad-4");
    assert.equal(spanOf(["bad-1", "sad-2", "bad-3"]), "bad-1, bad-3, sad-2");
    assert.equal(spanOf(["d", "a", "c", "b"]), "a, b, c, and 1 more");
    assert.equal(spanOf(["\u001b[31m1"]), "\\u{1b}[31m1");
    assert.equal(groupLabel({ status: "benign", names: ["a", "b"] }), "2 benign");
  });

  it("draws no more rows than fit, evenly spaced, of each group some", () => {
    const names = Array.from({ length: 999 }, (_, i) => `n${i}`);
    const groups = [
      { status: "contaminated", names: ["z"] },
      { status: "benign", names },
    ] as const;
    const [few, many] = drawnOf(groups);
    assert.deepEqual(few?.names, ["z"]);
    assert.deepEqual(many?.names.slice(0, 3), ["n0", "n3", "n6"]);
    assert.match(drawnText(groups), /Drawn are 301 of 1,000 adapters/);
    assert.equal(drawnText(groups.slice(0, 1)), "");
  });
});
