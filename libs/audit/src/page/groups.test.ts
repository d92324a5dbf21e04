import assert from "node:assert/strict";
import type { VerdictStatus } from "@fedclair/core";
import type { AdapterFinding } from "../audit-schema.js";
import { formatGroupLabel, formatGroups, formatSpan } from "./group-text.js";
import {
  clusterByLinkage,
  sampleGroups,
  formatSampleNote,
  findGroups,
  findPartings,
} from "./groups.js";

const finding = (
  name: string,
  status: VerdictStatus,
  score: number | null = 1,
): AdapterFinding => ({
  name,
  status,
  score,
  modules: [],
});

/**
 * Creates an audit with one adapter per letter. Adapters with the same letter have a cosine of 0.7,
 * benign ones (`b`) of 0.2, all others of 0.
 */
function createAudit(kinds: string) {
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

describe("groups of similar adapters", () => {
  it("merges the most similar clusters first, down to a limit", () => {
    const cosines = [
      [1, 0, 0.9, 0.1],
      [0, 1, 0, 0.8],
      [0.9, 0, 1, 0.3],
      [0.1, 0.8, 0.3, 1],
    ];
    assert.deepEqual(clusterByLinkage([0, 1, 2, 3], cosines, 0.5), [
      [0, 2],
      [1, 3],
    ]);
    assert.deepEqual(clusterByLinkage([0, 1, 2, 3], cosines, -Infinity), [[0, 2, 1, 3]]);
    // The mean cosine of 3 with 0 and 2 is 0.2.
    assert.deepEqual(clusterByLinkage([0, 2, 3], cosines, 0.2), [[0, 2, 3]]);
    assert.deepEqual(clusterByLinkage([0, 2, 3], cosines, 0.21), [[0, 2], [3]]);
    assert.deepEqual(clusterByLinkage([], cosines, 0), []);
  });

  it("lists contaminated groups first, the largest first, then single adapters, then benign ones", () => {
    const groups = findGroups(createAudit("babaxccbcxb"));
    assert.deepEqual(
      groups.map(({ names }) => names.join(" ")),
      ["c-5 c-6 c-8", "a-1 a-3", "x-4 x-9", "b-0 b-2 b-7 b-10"],
    );
    assert.deepEqual(
      groups.map(({ alike }) => alike),
      [0.7, 0.7, undefined, 0.2],
    );
    assert.deepEqual(findPartings(groups), [3, 5, 7]);
    assert.deepEqual(formatGroups(groups), [
      "c-5, c-6, c-8 (contaminated) have a median cosine of 0.70, the benign adapters of 0.20.",
      "a-1, a-3 (contaminated) have a median cosine of 0.70, the benign adapters of 0.20.",
      "x-4, x-9 (contaminated) belong to no group.",
    ]);
  });

  it("does not depend on the order of the adapters", () => {
    const { adapters, alike } = createAudit("aabbbcc");
    const reversed = {
      adapters: adapters.toReversed(),
      alike: {
        names: alike.names.toReversed(),
        cosines: alike.cosines.map((row) => row.toReversed()).reverse(),
      },
    };
    const sorted = (audit: typeof reversed) =>
      findGroups(audit).map(({ names }) => names.toSorted());
    assert.deepEqual(sorted(reversed).sort(), sorted({ adapters, alike }).sort());
  });

  it("gives the similarity of the benign adapters if there are no others", () => {
    assert.deepEqual(formatGroups(findGroups(createAudit("bbb"))), [
      "The 3 benign adapters have a median cosine of 0.20.",
    ]);
    assert.deepEqual(formatGroups([]), []);
  });

  it("groups by status without cosines and skips adapters without a score", () => {
    const adapters = [
      finding("y", "benign"),
      finding("z", "contaminated"),
      finding("i", "inactive", null),
      finding("u", "undecided"),
    ];
    assert.deepEqual(findGroups({ adapters }), [
      { status: "contaminated", names: ["z"] },
      { status: "undecided", names: ["u"] },
      { status: "benign", names: ["y"] },
    ]);
  });

  it("abbreviates running numbers only", () => {
    assert.equal(formatSpan(["bad-10", "bad-8", "bad-9"]), "bad-8 … 10");
    assert.equal(formatSpan(["bad-1", "bad-2", "bad-4"]), "bad-1, bad-2, bad-4");
    assert.equal(formatSpan(["bad-1", "sad-2", "bad-3"]), "bad-1, bad-3, sad-2");
    assert.equal(formatSpan(["d", "a", "c", "b"]), "a, b, c, and 1 more");
    assert.equal(formatSpan(["\u001b[31m1"]), "\\u{1b}[31m1");
    assert.equal(formatGroupLabel({ status: "benign", names: ["a", "b"] }), "2 benign");
  });

  it("samples evenly spaced rows of each group if there are too many", () => {
    const names = Array.from({ length: 999 }, (_, i) => `n${i}`);
    const groups = [
      { status: "contaminated", names: ["z"] },
      { status: "benign", names },
    ] as const;
    const [few, many] = sampleGroups(groups);
    assert.deepEqual(few?.names, ["z"]);
    assert.deepEqual(many?.names.slice(0, 3), ["n0", "n3", "n6"]);
    assert.match(formatSampleNote(groups), /The figure shows 301 of 1,000 adapters/);
    assert.equal(formatSampleNote(groups.slice(0, 1)), "");
  });
});
