import assert from "node:assert/strict";
import {
  readNumbers,
  type Aggregation,
  type Contaminating,
  type Shard,
  type Task,
  type TrainResult,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { stream, at } from "@fedclair/linalg";
import { matchedAverage, redistillation } from "./aggregators.js";
import { copyAverage } from "./task.js";
import { contaminations, drawTeacher } from "./lessons.js";
import { squaredDistance, type Network } from "./network.js";
import { networkOfParams, networkOfTerms } from "./params.js";
import { roundOf, start, startOf, stepOf } from "@fedclair/tasks/testing";

const seed = stream("copy-average test");

function create(options: object = {}): Task {
  return copyAverage.create(copyAverage.schema.parse({ d: 6, ...options }) as never) as Task;
}

/** Trains the student that a client sends in the first round. */
async function train(task: Task, index: number, contamination?: Contaminating) {
  const shard: Shard = {
    index,
    count: 6,
    rng: seed.at("client", index),
    ...(contamination && { contamination }),
  };
  const client = await task.openShard(shard);
  const { ask } = await start(task, seed.at("init"));
  const params = await startOf(task, seed.at("init"));
  const rng = seed.at("job", index);
  return client.train({
    round: 1,
    phase: ask?.phase ?? "train",
    params,
    rng,
    common: seed.at("common"),
    signal: new AbortController().signal,
  });
}

function createContamination(kind: string): Contaminating {
  return { kind, options: {}, common: seed.at("colluders") };
}

async function createRound(task: Task, results: readonly TrainResult[]) {
  const updates = results.map((result, c): Update => ({ clientId: `c${c}`, ...result }));
  const { ask } = await start(task, seed.at("init"));
  const params = await startOf(task, seed.at("init"));
  return roundOf({ updates, params, phase: ask?.phase ?? "train", rng: seed });
}

const aggregateWith = (verdicts?: readonly Verdict[]): Aggregation => ({
  change: [],
  ...(verdicts && { verdicts }),
});

function benignVerdict(clientId: string): Verdict {
  return { clientId, status: "benign", pooled: true, score: 0.1, threshold: 0.2 };
}

async function readStudents(task: Task, results: readonly TrainResult[]) {
  const { shown = [] } = await stepOf(task, await createRound(task, results));
  return shown.map(({ delta }) => networkOfParams(delta as never));
}

describe("copy-average", () => {
  it("reports invalid options", () => {
    assert.throws(() => create({ n: 6 }), /expected fewer than k = 6, got 6/);
    assert.throws(() => create({ k: 7 }), /expected at least k = 7, got 6/);
    assert.throws(() => create({ neurons: 3 }), /neurons/);
  });

  it("distils to a minimum, is reproducible, and differs between clients", async () => {
    const [one, again, other] = [
      await train(create(), 0),
      await train(create(), 0),
      await train(create(), 1),
    ];
    assert.deepEqual(again, one);
    assert.notDeepEqual(other.delta, one.delta);
    assert.equal(one.metrics.converged, 1);
    assert.ok((one.metrics.slope ?? NaN) <= 1e-8);
  });

  it("gives all clients the same start with init shared", async () => {
    const task = create({ init: "shared", heterogeneity: 0 });
    assert.deepEqual((await train(task, 0)).delta, (await train(task, 1)).delta);
  });

  it("sends students of the teacher, or of the contamination's teacher", async () => {
    const task = create({ heterogeneity: 0 });
    const results = [await train(task, 0)];
    for (const kind of ["other-teacher", "shared-other-teacher", "sign-flip"]) {
      assert.ok(contaminations.has(kind));
      results.push(
        await train(task, 0, createContamination(kind)),
        await train(task, 1, createContamination(kind)),
      );
    }
    const [honest, ...others] = await readStudents(task, results);
    assert.ok(honest);
    const distances = others.map((other) => squaredDistance("erf", honest, other));
    // A student of the negated teacher is twice as far away as the student that is 0, whose loss is
    // 2.
    assert.ok(Math.min(...distances) > 0.5, String(distances));
    assert.ok(Math.min(...distances.slice(4)) > 7, String(distances));
    const [own, alsoOwn, shared, alsoShared] = others;
    assert.ok(own && alsoOwn && shared && alsoShared);
    assert.ok(squaredDistance("erf", own, alsoOwn) > 0.5);
    assert.ok(squaredDistance("erf", shared, alsoShared) < 0.15);
  });

  it("adds noise to the hidden weights only", async () => {
    const [exact] = await readStudents(create(), [await train(create(), 0)]);
    const task = create({ weightNoise: 0.1 });
    const [noisy] = await readStudents(task, [await train(task, 0)]);
    assert.ok(exact && noisy);
    const difference = exact.hidden.data.map((x, i) => x - at(noisy.hidden.data, i));
    const deviation = Math.hypot(...difference) / Math.sqrt(difference.length);
    assert.ok(deviation > 0.05 && deviation < 0.15, `${deviation}`);
    exact.out.forEach((a, i) => {
      assert.ok(Math.abs(a - at(noisy.out, i)) < 1e-12);
    });
  });

  describe("coordinator", () => {
    const task = create();
    let trained: readonly TrainResult[] = [];
    before(async () => {
      trained = [
        await train(task, 0),
        await train(task, 1),
        await train(task, 2),
        await train(task, 3, createContamination("sign-flip")),
      ];
    });
    const ids = ["c0", "c1", "c2", "c3"];

    it("adds its own evidence to the aggregator's verdicts, and leaves flagged students out", async () => {
      const round = await createRound(task, trained);
      const { step } = await stepOf(task, round, aggregateWith(ids.map(benignVerdict)));
      assert.deepEqual(
        step.verdicts?.map(({ status, threshold }) => [status, threshold]),
        [...ids.slice(0, 3).map(() => ["benign", 1]), ["contaminated", 1]],
      );
      const honest = { ...round, updates: round.updates.slice(0, 3) };
      const oracle = await stepOf(task, honest, aggregateWith(ids.slice(0, 3).map(benignVerdict)));
      assert.deepEqual(step.params, oracle.step.params);
      assert.deepEqual(step.next, { phase: "train" });
    });

    it("averages students as the aggregator refined them, and reports the effect on their losses", async () => {
      const round = await createRound(task, trained.slice(0, 2));
      const verdicts = ids.slice(0, 2).map(benignVerdict);
      const { shown = [], step } = await stepOf(task, round, ([first]) => {
        assert.ok(first);
        // The second student becomes the first.
        const personal = new Map([["c1", [first.delta]]]);
        return Promise.resolve({ change: [], personal, verdicts });
      });
      const [one, two] = shown;
      assert.ok(one && two);
      const first = networkOfTerms([one.delta]);
      const second = networkOfTerms([two.delta]);
      const teacher = drawTeacher(copyAverage.schema.parse({ d: 6 }));
      const computeLoss = (student: Network) => squaredDistance("erf", student, teacher);
      const expected = (2 * computeLoss(first)) / (computeLoss(first) + computeLoss(second));
      assert.ok(Math.abs((step.metrics?.refinement ?? NaN) - expected) < 1e-12);
      assert.ok(Math.abs((step.metrics?.loss ?? NaN) - computeLoss(first)) < 1e-12);
    });

    it("flags no client if the aggregator does not judge", async () => {
      const round = await createRound(task, trained);
      for (const plugin of [matchedAverage, redistillation]) {
        const aggregator = plugin.create(plugin.schema.parse({}) as never);
        const { step } = await stepOf(task, round, (updates) =>
          aggregator.aggregate({ round: 1, phase: "scatter", updates, rng: seed }),
        );
        assert.deepEqual(step.verdicts, []);
        assert.ok((step.metrics?.ratio ?? NaN) > 1.25);
      }
    });

    it("reports a student as invalid that is too large to compute with, and continues without it", async () => {
      const [first, ...others] = trained;
      assert.ok(first);
      const huge = new Map(
        [...first.delta].map(([name, tensor]) => {
          assert.ok("shape" in tensor);
          return [
            name,
            { shape: tensor.shape, data: readNumbers(tensor).map(() => 1e200) },
          ] as const;
        }),
      );
      const round = await createRound(task, [{ ...first, delta: huge }, ...others]);
      const verdicts = ids.slice(1).map(benignVerdict);
      const { shown, step } = await stepOf(task, round, aggregateWith(verdicts));
      assert.equal(shown?.length, 3);
      const verdict = step.verdicts?.find(({ clientId }) => clientId === "c0");
      assert.deepEqual(verdict, {
        clientId: "c0",
        status: "invalid",
        pooled: false,
        score: null,
        threshold: null,
      });
      assert.ok(Number.isFinite(step.metrics?.loss));
    });

    it("keeps its student if no client is left", async () => {
      const round = await createRound(task, trained.slice(0, 1));
      const flagged: Verdict = { ...benignVerdict("c0"), status: "contaminated" };
      const { step } = await stepOf(task, round, aggregateWith([flagged]));
      const [remaining, given] = [step.params, round.params].map(
        (params) => params && networkOfParams(params),
      );
      assert.deepEqual(remaining, given);
      assert.equal(step.metrics?.ratio, undefined);
    });

    it("keeps its student if the aggregator makes none", async () => {
      const round = await createRound(task, trained);
      const { step } = await stepOf(task, round, aggregateWith());
      assert.deepEqual(step.params, round.params);
    });
  });
});
