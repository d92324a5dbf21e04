import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { tensorsOf, type Attack, type AttackedRound, type Update } from "@fedclair/core";
import { stream, item } from "@fedclair/linalg";
import { attacks } from "./index.js";
import { anyUpdate, attacked, create } from "../testing/updates.js";

const honest = ["h1", "h2", "h3"].map((id) => anyUpdate(id));
// Clients may train adapters of unequal rank.
const own = [anyUpdate("a1", 2), anyUpdate("a2", 3), anyUpdate("a3", 2)];
const labels = Int32Array.from({ length: 200 }, (_, i) => i % 10);

/** Everything of an update but the values. */
function form({ clientId, numExamples, delta, metrics }: Update) {
  const tensors = [...delta].map(([name, module]) => [
    name,
    ...tensorsOf(module).map(({ shape, data }) => [data.constructor.name, shape, data.length]),
  ]);
  return { clientId, numExamples, metrics, tensors };
}

function values(update: Update): number[] {
  return [...update.delta.keys()].flatMap((name) => entries(update, name));
}

function entries(update: Update | undefined, name: string): number[] {
  const module = update?.delta.get(name);
  return module ? tensorsOf(module).flatMap(({ data }) => [...data]) : [];
}

/** They send nothing at first; their own tests say what follows. */
const idleAtFirst: ReadonlySet<string> = new Set(["free-rider", "stale"]);

/** Its departure from the mean is a matter of how many collude. */
const countsAttackers: ReadonlySet<string> = new Set(["alie"]);

// `broken` is no attack that could pass for an update, `contaminated-data` is the task's, `declared` does nothing: their own
// tests say what they do.
const apart = ["broken", "contaminated-data", "declared"];
for (const name of [...attacks.keys()].filter((name) => !apart.includes(name))) {
  describe(`attack ${name}`, () => {
    it("has a name, a summary and defaults for every option, and refuses unknown ones", () => {
      const plugin = attacks.get(name);
      assert.equal(plugin?.name, name);
      assert.match(plugin.summary, /^[A-Z].*\.$/);
      assert.throws(() => create(name, { nonsense: 1 }), /nonsense/);
    });

    it("does exactly one thing", () => {
      assert.equal(Object.keys(create(name)).length, 1);
    });

    if (create(name).corruptLabels) {
      const corrupt = (of = labels) =>
        create(name).corruptLabels?.(of, 10, stream(1).at("client"), stream(1).at("common"));

      it("returns as many labels, each a class, and changes some", () => {
        const corrupted = corrupt() ?? new Int32Array();
        assert.equal(corrupted.length, labels.length);
        assert.ok(corrupted.every((label) => label >= 0 && label < 10));
        assert.ok(corrupted.some((label, i) => label !== labels[i]));
      });

      it("leaves its input alone and repeats itself", () => {
        const before = labels.slice();
        assert.deepEqual(corrupt(), corrupt());
        assert.deepEqual(labels, before);
      });

      it("takes no labels at all", () => {
        assert.deepEqual(corrupt(new Int32Array()), new Int32Array());
      });
    } else {
      it("keeps shapes, dtypes, ranks, sample counts and metrics of every client", async () => {
        const forged = await attacked(create(name), own, honest);
        assert.deepEqual(forged.map(form), own.map(form));
      });

      it("returns finite values, and others than those it was given", async () => {
        const forged = await attacked(create(name), own, honest);
        forged.forEach((update, i) => {
          assert.ok(values(update).every(Number.isFinite));
          assert.notDeepEqual(values(update), values(own[i] ?? update));
        });
      });

      if (!idleAtFirst.has(name)) {
        it("treats modules of one shape apart", async () => {
          const [first] = await attacked(create(name), own, honest);
          const ratios = entries(first, "twin").map(
            (x, i) => x / item(entries(first, "matrix"), i),
          );
          assert.ok(ratios.some((ratio) => Math.abs(ratio - item(ratios, 0)) > 1e-6));
        });
      }

      it("leaves its input alone and repeats itself", async () => {
        const before = structuredClone({ own, honest });
        const first = await attacked(create(name), own, honest);
        assert.deepEqual(await attacked(create(name), own, honest), first);
        assert.deepEqual({ own, honest }, before);
      });

      it("does not depend on the order of clients", async () => {
        const forged = await attacked(create(name), own, honest);
        const reversed = await attacked(create(name), own.toReversed(), honest.toReversed());
        assert.deepEqual(reversed.toReversed(), forged);
      });

      if (!countsAttackers.has(name)) {
        it("does not depend on which other attackers answer", async () => {
          const forged = await attacked(create(name), own, honest);
          assert.deepEqual(await attacked(create(name), own.slice(1), honest), forged.slice(1));
        });
      }

      it("does something in a round without honest updates", async () => {
        const forged = await attacked(create(name), own, []);
        assert.deepEqual(forged.map(form), own.map(form));
        assert.ok(forged.every((update) => values(update).every(Number.isFinite)));
      });
    }
  });
}

describe("attacks that remember", () => {
  // Two phases take turns, and another client misses each round.
  const rounds = [1, 2, 3, 4, 5, 6].map((round) => {
    const inPhase = (updates: readonly Update[]) =>
      updates.map((update) => {
        const modules = [...update.delta].filter(
          ([name]) => (name === "pair64") === (round % 3 === 0),
        );
        return { ...update, delta: new Map(modules) };
      });
    const answers = inPhase(honest.filter((_, k) => k !== round % 3));
    return { own: inPhase(own), honest: answers, rng: stream("round").at(round) };
  });
  for (const [name, options] of [
    ["free-rider", { kind: "last" }],
    ["stale", { delay: 1 }],
    ["stale", { delay: 3 }],
    ["backdoor", {}],
  ] as const) {
    it(`${name} ${JSON.stringify(options)} goes on from a stored state, through two phases`, () => {
      const whole = statesOf(create(name, options), rounds);
      const rest = statesOf(create(name, options), rounds.slice(3), whole[2]?.state);
      assert.deepEqual(rest, whole.slice(3));
      // Something was remembered, and sent.
      assert.notDeepEqual(
        whole[4]?.updates,
        statesOf(create(name, options), rounds.slice(4))[0]?.updates,
      );
    });
  }

  it("are all that keep state", () => {
    const keep = [...attacks.keys()].filter((name) => {
      if (apart.includes(name)) return false;
      const [first] = statesOf(create(name), rounds.slice(0, 1));
      return first?.state !== undefined;
    });
    assert.deepEqual(keep, ["stale", "backdoor"]);
  });
});

/** What an attack sends in each round, and its state then, which between two rounds is stored and read again. */
function statesOf(attack: Attack, rounds: readonly AttackedRound[], start?: unknown) {
  let state = start;
  return rounds.map((seen) => {
    const attacked = attack.attackRound?.(seen, deserialize(serialize(state)));
    if (attacked?.state !== undefined) ({ state } = attacked);
    return { updates: attacked?.updates, state };
  });
}

describe("the page of attacks", () => {
  it("has a row of each", () => {
    const page = new URL("../../../../docs/aggregators-and-attacks.md", import.meta.url);
    const [, table] = readFileSync(page, "utf8").split("## Attacks");
    const rows = [...(table ?? "").matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
    assert.deepEqual(rows.sort(), [...attacks.keys()].sort());
  });
});
