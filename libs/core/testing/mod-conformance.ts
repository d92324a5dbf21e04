import assert from "node:assert/strict";
import { inspect } from "node:util";
import { deserialize, serialize } from "node:v8";
import { stream } from "@fedclair/linalg";
import { admitUpdate, type Shapes } from "../src/tensors/admission.js";
import type { Mod, Passed, Received } from "../src/contracts/mod.js";
import type { Plugin } from "../src/contracts/plugin.js";
import type { TrainResult } from "../src/contracts/task.js";
import { dtypeOf, readNumbers } from "../src/tensors/tensor.js";
import { deltaShape, isLowRank, tensorsOf, type Update } from "../src/tensors/update.js";
import { anyUpdate } from "./attacked.js";
import { drawsElsewhere, itDescribesItself, keepsMore, otherForm, setUpSuite } from "./suite.js";

const clientIds = ["c1", "c2", "c3", "c4"];
const updates = clientIds.map((id) => anyUpdate(id, id === "c2" ? 3 : 2));

/** The modules and shapes that a round expects of the updates. */
const expected: Shapes = new Map(
  [...anyUpdate("c1").delta].map(([name, change]) => [
    name,
    { shape: deltaShape(change), dtype: dtypeOf(isLowRank(change) ? change.b : change) },
  ]),
);

/** Describes everything of a change except its values. */
function describeForm({ delta }: Pick<Update, "delta">) {
  return [...delta].map(([name, change]) => [name, ...tensorsOf(change).map(({ shape }) => shape)]);
}

/** Six rounds of two alternating phases; a different client is missing in each. */
const rounds: readonly Received[] = [1, 2, 3, 4, 5, 6].map((round) => {
  const asked = updates.filter((_, k) => k !== round % 4);
  return {
    round,
    phase: round % 3 === 0 ? "other" : "train",
    clientIds,
    updates: asked,
    cohort: asked.map(({ clientId }) => clientId),
    rng: stream("round").at(round),
  };
});

/** Settings of `describeMod`. */
export interface ModSetting {
  /** Options in addition to the defaults. */
  readonly options?: object;
}

/**
 * Tests what every mod must do. Call it where mocha, or another runner with a global `describe` and
 * `it`, runs it.
 */
export function describeMod(plugin: Plugin<Mod>, { options = {} }: ModSetting = {}): void {
  const create = () => plugin.create(plugin.schema.parse(options) as never);

  const runClient = async ({ clientId, ...result }: Update): Promise<TrainResult> => {
    const context = { round: 2, phase: "train", rng: stream("mod").at(clientId) };
    return (await create().client?.(result, context)) ?? result;
  };

  /** Runs the server half in each round. Its state is serialized between two rounds. */
  const runServer = async (rounds: readonly Received[], start?: unknown): Promise<Passed[]> => {
    const mod = create();
    const passed: Passed[] = [];
    let state = start;
    for (const received of rounds) {
      const result = (await mod.server?.(received, deserialize(serialize(state)))) ?? {};
      if (result.state !== undefined) ({ state } = result);
      passed.push({ ...result, state });
    }
    return passed;
  };

  describe(`mod ${plugin.name}`, function () {
    setUpSuite(this);
    itDescribesItself(plugin, options);

    it("has a client half, a server half or both", () => {
      const mod = create();
      assert.ok("client" in mod || "server" in mod, "it has neither client nor server: add one");
      assert.ok(
        !mod.isFormat || "client" in mod,
        "it is a format without a client half: add client",
      );
    });

    it("keeps modules, shapes and ranks, so that its updates are admitted", async () => {
      for (const update of updates) {
        const result = await runClient(update);
        assert.deepEqual(describeForm(result), describeForm(update), otherForm);
        assertAdmitted({ ...result, clientId: "c1" }, expected);
      }
    });

    it("accepts an update without modules, and zeros", async () => {
      const zero = anyUpdate("c1");
      for (const change of zero.delta.values()) {
        for (const tensor of tensorsOf(change)) readNumbers(tensor).fill(0);
      }
      for (const update of [zero, { ...zero, delta: new Map() }]) {
        const result = { ...(await runClient(update)), clientId: "c1" };
        const modules = update.delta.size === 0 ? new Map() : expected;
        assertAdmitted(result, modules);
      }
    });

    it("does not change its input, and is deterministic in any order of clients", async () => {
      const before = structuredClone({ updates, rounds: rounds.map((one) => one.updates) });
      const first = await Promise.all(updates.map(runClient));
      const reversed = await Promise.all(updates.toReversed().map(runClient));
      assert.deepEqual(reversed.toReversed(), first, "it depends on the order of the clients");
      assert.deepEqual(await runServer(rounds), await runServer(rounds), drawsElsewhere);
      const after = { updates, rounds: rounds.map((one) => one.updates) };
      assert.deepEqual(after, before, "it writes into the updates: copy them first");
    });

    it("passes on the same clients, and reports finite metrics of the cohort only", async () => {
      for (const [i, { updates: passed, metrics: reported }] of (
        await runServer(rounds)
      ).entries()) {
        const { cohort = [], updates: received = [] } = rounds[i] ?? {};
        const ids = (all: readonly Update[]) => all.map(({ clientId }) => clientId);
        assert.deepEqual(ids(passed ?? received), ids(received), "it passes on other clients");
        for (const update of passed ?? []) assertAdmitted(update, expected);
        for (const [id, metrics] of reported ?? []) {
          assert.ok(cohort.includes(id), `it reports metrics of ${id}, which is not in the cohort`);
          assert.ok(
            Object.values(metrics).every(Number.isFinite),
            `a metric of ${id} is not finite: ${inspect(metrics)}`,
          );
        }
      }
    });

    it("accepts a round without clients", async () => {
      const [round] = rounds;
      if (!round) throw new Error("there is no round to play");
      await runServer([{ ...round, cohort: [], updates: [] }]);
    });

    it("keeps nothing but its state, through two phases", async () => {
      const whole = await runServer(rounds);
      const rest = await runServer(rounds.slice(3), whole[2]?.state);
      assert.deepEqual(rest, whole.slice(3), keepsMore);
    });
  });
}

function assertAdmitted(update: Update, expected: Shapes): void {
  const failure = admitUpdate(update, expected);
  assert.equal(failure, undefined, `a changed update would be refused: ${failure?.message ?? ""}`);
}
