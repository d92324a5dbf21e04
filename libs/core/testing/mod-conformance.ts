import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { stream } from "@fedclair/linalg";
import { admitUpdate, type Shapes } from "../src/tensors/admission.js";
import type { Mod, Passed, Received } from "../src/contracts/mod.js";
import type { Plugin } from "../src/contracts/plugin.js";
import type { TrainResult } from "../src/contracts/task.js";
import { dtypeOf } from "../src/tensors/tensor.js";
import { deltaShape, isLowRank, tensorsOf, type Update } from "../src/tensors/update.js";
import { anyUpdate } from "./attacked.js";
import { itDescribesItself, setUpSuite } from "./suite.js";

const clientIds = ["c1", "c2", "c3", "c4"];
const updates = clientIds.map((id) => anyUpdate(id, id === "c2" ? 3 : 2));

/** What a round expects that such updates answer. */
const expected: Shapes = new Map(
  [...anyUpdate("c1").delta].map(([name, change]) => [
    name,
    { shape: deltaShape(change), dtype: dtypeOf(isLowRank(change) ? change.b : change) },
  ]),
);

/** Everything of a change but its values. */
function describeForm({ delta }: Pick<Update, "delta">) {
  return [...delta].map(([name, change]) => [name, ...tensorsOf(change).map(({ shape }) => shape)]);
}

/** Six rounds: two phases take turns, and another client is left out of each. */
const rounds: readonly Received[] = [1, 2, 3, 4, 5, 6].map((round) => {
  const asked = updates.filter((_, k) => k !== round % 4);
  return {
    ...{ round, phase: round % 3 === 0 ? "other" : "train", clientIds, updates: asked },
    ...{ cohort: asked.map(({ clientId }) => clientId), rng: stream("round").at(round) },
  };
});

/** How a mod is tried. */
export interface ModSetting {
  /** Beside its defaults. */
  readonly options?: object;
}

/**
 * What every mod must do, whatever it wraps. Call it where mocha, or another runner with a global describe and it, runs it.
 */
export function describeMod(plugin: Plugin<Mod>, { options = {} }: ModSetting = {}): void {
  const create = () => plugin.create(plugin.schema.parse(options) as never);

  const wrapped = async ({ clientId, ...result }: Update): Promise<TrainResult> => {
    const context = { round: 2, phase: "train", rng: stream("mod").at(clientId) };
    return (await create().client?.(result, context)) ?? result;
  };

  /** What its server half passes on in each round, its state stored and read again between two. */
  const served = async (seen: readonly Received[], start?: unknown): Promise<Passed[]> => {
    const mod = create();
    const passed: Passed[] = [];
    let state = start;
    for (const received of seen) {
      const one = (await mod.server?.(received, deserialize(serialize(state)))) ?? {};
      if (one.state !== undefined) ({ state } = one);
      passed.push({ ...one, state });
    }
    return passed;
  };

  describe(`mod ${plugin.name}`, function () {
    setUpSuite(this);
    itDescribesItself(plugin, options);

    it("does something: at the client, at the coordinator, or at both", () => {
      const mod = create();
      assert.ok("client" in mod || "server" in mod);
      assert.ok(!mod.isFormat || "client" in mod, "a format is what clients write");
    });

    it("keeps modules, shapes and ranks, so that its updates are admitted", async () => {
      for (const update of updates) {
        const result = await wrapped(update);
        assert.deepEqual(describeForm(result), describeForm(update));
        assert.equal(admitUpdate({ ...result, clientId: "c1" }, expected), undefined);
      }
    });

    it("wraps an update without modules, and zeros", async () => {
      const zero = anyUpdate("c1");
      for (const change of zero.delta.values()) {
        for (const { data } of tensorsOf(change)) data.fill(0);
      }
      for (const update of [zero, { ...zero, delta: new Map() }]) {
        const result = { ...(await wrapped(update)), clientId: "c1" };
        const whole = update.delta.size === 0 ? new Map() : expected;
        assert.equal(admitUpdate(result, whole), undefined);
      }
    });

    it("leaves its input alone and repeats itself, whoever came before", async () => {
      const before = structuredClone({ updates, rounds: rounds.map((one) => one.updates) });
      const first = await Promise.all(updates.map(wrapped));
      const reversed = await Promise.all(updates.toReversed().map(wrapped));
      assert.deepEqual(reversed.toReversed(), first);
      assert.deepEqual(await served(rounds), await served(rounds));
      assert.deepEqual({ updates, rounds: rounds.map((one) => one.updates) }, before);
    });

    it("passes on the same clients, and speaks of the cohort alone in finite numbers", async () => {
      for (const [i, { updates: passed, metrics: told }] of (await served(rounds)).entries()) {
        const { cohort = [], updates: came = [] } = rounds[i] ?? {};
        const ids = (all: readonly Update[]) => all.map(({ clientId }) => clientId);
        assert.deepEqual(ids(passed ?? came), ids(came));
        for (const update of passed ?? []) assert.equal(admitUpdate(update, expected), undefined);
        for (const [id, metrics] of told ?? []) {
          assert.ok(cohort.includes(id), id);
          assert.ok(Object.values(metrics).every(Number.isFinite), JSON.stringify(metrics));
        }
      }
    });

    it("bears a round that nobody took part in", async () => {
      const [round] = rounds;
      assert.ok(round);
      await served([{ ...round, cohort: [], updates: [] }]);
    });

    it("remembers nothing but its state, through two phases", async () => {
      const whole = await served(rounds);
      assert.deepEqual(await served(rounds.slice(3), whole[2]?.state), whole.slice(3));
    });
  });
}
