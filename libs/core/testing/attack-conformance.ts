import assert from "node:assert/strict";
import { item, stream } from "@fedclair/linalg";
import type { Attack } from "../src/contracts/attack.js";
import type { Plugin } from "../src/contracts/plugin.js";
import { countNumbers, dtypeOf, readNumbers } from "../src/tensors/tensor.js";
import { tensorsOf, type Update } from "../src/tensors/update.js";
import { playAttack, honest, own, twoPhases } from "./attack-rounds.js";
import { applyAttack } from "./attacked.js";
import { drawsElsewhere, itDescribesItself, keepsMore, otherForm, setUpSuite } from "./suite.js";

const labels = Int32Array.from({ length: 200 }, (_, i) => i % 10);

/** Describes everything of an update except its values. */
function describeForm({ clientId, numExamples, delta, metrics }: Update) {
  const tensors = [...delta].map(([name, module]) => [
    name,
    ...tensorsOf(module).map((tensor) => [dtypeOf(tensor), tensor.shape, countNumbers(tensor)]),
  ]);
  return { clientId, numExamples, metrics, tensors };
}

function listValues(update: Update): number[] {
  return [...update.delta.keys()].flatMap((name) => listEntries(update, name));
}

function listEntries(update: Update | undefined, name: string): number[] {
  const module = update?.delta.get(name);
  return module ? tensorsOf(module).flatMap((tensor) => [...readNumbers(tensor)]) : [];
}

/** Settings of `describeAttack`. */
export interface AttackSetting {
  /** Options in addition to the defaults. */
  readonly options?: object;
  /** Does the attack send zeros in the first round? */
  readonly idleAtFirst?: boolean;
  /** Does a client's update depend on the number of colluding clients? */
  readonly countsAttackers?: boolean;
}

/**
 * Tests what every attack on labels or on updates must do. Call it where mocha, or another runner
 * with a global `describe` and `it`, runs it. Attacks on data belong to the tests of their task.
 */
export function describeAttack(
  plugin: Plugin<Attack>,
  { options = {}, idleAtFirst = false, countsAttackers = false }: AttackSetting = {},
): void {
  const create = () => plugin.create(plugin.schema.parse(options) as never);

  describe(`attack ${plugin.name}`, function () {
    setUpSuite(this);
    itDescribesItself(plugin, options);

    it("does exactly one thing", () => {
      const acts = ["data", "corruptLabels", "corruptUpdate", "attackRound"];
      const own = Object.keys(create()).filter((key) => acts.includes(key));
      assert.equal(own.length, 1, `it has ${own.join(", ") || "none"} of ${acts.join(", ")}`);
    });

    if (create().corruptLabels) {
      const corrupt = (input = labels) =>
        create().corruptLabels?.(input, 10, stream(1).at("client"), stream(1).at("common"));

      it("returns as many labels as it gets, all of them valid, and changes some", () => {
        const corrupted = corrupt() ?? new Int32Array();
        assert.equal(corrupted.length, labels.length, "it returns another number of labels");
        assert.ok(
          corrupted.every((label) => label >= 0 && label < 10),
          "a label is none of the ten classes",
        );
        assert.ok(
          corrupted.some((label, i) => label !== labels[i]),
          "it changes no label",
        );
      });

      it("does not change its input, and is deterministic", () => {
        const before = labels.slice();
        assert.deepEqual(corrupt(), corrupt(), drawsElsewhere);
        assert.deepEqual(labels, before, "it writes into its labels: copy them first");
      });

      it("accepts an empty list of labels", () => {
        const none = new Int32Array();
        assert.deepEqual(corrupt(none), none, "of no labels it returns some");
      });
    } else {
      it("keeps shapes, dtypes, ranks, sample counts and metrics of every client", async () => {
        const forged = await applyAttack(create(), own, honest);
        assert.deepEqual(forged.map(describeForm), own.map(describeForm), otherForm);
      });

      it("returns finite values that differ from its input", async () => {
        const forged = await applyAttack(create(), own, honest);
        forged.forEach((update, i) => {
          assert.ok(listValues(update).every(Number.isFinite), "an update has NaN or ±∞");
          const before = listValues(own[i] ?? update);
          assert.notDeepEqual(listValues(update), before, "it returns an update unchanged");
        });
      });

      if (!idleAtFirst) {
        it("treats modules of the same shape differently", async () => {
          const [first] = await applyAttack(create(), own, honest);
          const ratios = listEntries(first, "twin").map(
            (x, i) => x / item(listEntries(first, "matrix"), i),
          );
          assert.ok(
            ratios.some((ratio) => Math.abs(ratio - item(ratios, 0)) > 1e-6),
            "two modules of one shape get the same values: draw from a stream of the module's name, or set idleAtFirst if it does nothing in the first round",
          );
        });
      }

      it("does not change its input, and is deterministic", async () => {
        const before = structuredClone({ own, honest });
        const first = await applyAttack(create(), own, honest);
        assert.deepEqual(await applyAttack(create(), own, honest), first, drawsElsewhere);
        assert.deepEqual({ own, honest }, before, "it writes into the updates: copy them first");
      });

      it("does not depend on the order of clients", async () => {
        const forged = await applyAttack(create(), own, honest);
        const reversed = await applyAttack(create(), own.toReversed(), honest.toReversed());
        assert.deepEqual(reversed.toReversed(), forged, "it depends on the order of the clients");
      });

      if (!countsAttackers) {
        it("does not depend on which other attackers answer", async () => {
          const forged = await applyAttack(create(), own, honest);
          assert.deepEqual(
            await applyAttack(create(), own.slice(1), honest),
            forged.slice(1),
            "it depends on which other attackers answer: if it is meant to, set countsAttackers",
          );
        });
      }

      it("returns finite updates in a round without honest updates", async () => {
        const forged = await applyAttack(create(), own, []);
        assert.deepEqual(forged.map(describeForm), own.map(describeForm), otherForm);
        assert.ok(
          forged.every((update) => listValues(update).every(Number.isFinite)),
          "a forged update has NaN or ±∞",
        );
      });

      it("keeps nothing but its state, through two phases", () => {
        const whole = playAttack(create(), twoPhases);
        const rest = playAttack(create(), twoPhases.slice(3), whole[2]?.state);
        assert.deepEqual(rest, whole.slice(3), keepsMore);
      });
    }
  });
}
