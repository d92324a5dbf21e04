import {
  countNumbers,
  type Dense,
  readNumbers,
  binaryVerdict,
  tensorsOf,
  UserError,
  type Aggregator,
  type Attack,
  type DataContamination,
  type Params,
  type Plugin,
  type Plugins,
  type Tensor,
  type TrainResult,
  type Verdict,
} from "@fedclair/core";
import { ClientRunner, parseTrial, payloadBytes, type RoundDone } from "@fedclair/core/internal";
import assert from "node:assert/strict";
import { z } from "zod";
import { item } from "@fedclair/linalg";
import { prepareEarlier, rescale, combineWithEarlier } from "./earlier.js";
import type { Findings } from "./coordinator.js";
import { evaluationBias } from "./task.js";
import { momentSubspace } from "./moment-subspace.js";
import { optionsSchema } from "./options.js";
import { roundOf, stepOf } from "@fedclair/tasks/testing";
import { play, prepare } from "@fedclair/core/testing";
import { findWarning } from "./screening.js";
import { noClients } from "@fedclair/tasks/testing";

function plugin<T>(
  name: string,
  create: (options: never) => T,
  schema: z.ZodObject = z.strictObject({}),
): Plugin<T> {
  return { name, summary: name, schema, create };
}

/** Computes the plain mean. */
const average = plugin<Aggregator>("average", () => ({
  aggregate: ({ updates }) => {
    const total = updates.reduce((n, { numExamples }) => n + numExamples, 0);
    const change = updates.map(
      ({ numExamples, delta }) =>
        new Map(
          [...delta].map(([name, module]): [string, Tensor] => {
            const tensor = module as Tensor;
            return [
              name,
              { ...tensor, data: readNumbers(tensor).map((x) => (x * numExamples) / total) },
            ];
          }),
        ),
    );
    return Promise.resolve({ change });
  },
}));
const mute = plugin<Aggregator>("mute", () => ({
  aggregate: () => Promise.resolve({ change: [] }),
}));

/**
 * An aggregator with fixed verdicts: in each phase it flags the given clients and reports all
 * others as benign.
 */
const rote = plugin<Aggregator>(
  "rote",
  (called: Record<string, readonly string[]>) => ({
    aggregate: ({ phase, updates }) =>
      Promise.resolve({
        change: [],
        verdicts: updates.map(({ clientId }): Verdict => {
          const flagged = called[phase]?.includes(clientId) === true;
          const threshold = called[phase]?.length === 0 ? null : 0.4;
          return binaryVerdict(clientId, flagged, flagged ? 0.8 : 0.1, threshold);
        }),
      }),
  }),
  z.strictObject({
    reference: z.array(z.string()).default([]),
    moments: z.array(z.string()).default([]),
  }),
);

const fabricate = plugin<Attack>(
  "fabricate",
  (data: DataContamination) => ({ label: data.kind, data }),
  z.strictObject({ kind: z.string(), options: z.record(z.string(), z.unknown()).default({}) }),
);
/** Sends numbers that are impossible for scores. */
const impossible = plugin<Attack>("impossible", () => ({
  corruptUpdate: (honest: TrainResult): TrainResult => ({
    ...honest,
    delta: new Map(
      [...honest.delta].map(([name, module]) => {
        const tensor = module as Tensor;
        return [name, { ...tensor, data: readNumbers(tensor).map((x) => -100 * x - 1) }];
      }),
    ),
  }),
}));

/** Sends numbers that are impossible for scores, but only of group 1. */
const impossibleOnce = plugin<Attack>("impossibleOnce", () => ({
  corruptUpdate: (honest: TrainResult): TrainResult => {
    const counts = honest.delta.get("counts") as Tensor;
    if (honest.delta.size > 1) return honest;
    const halves = { ...counts, data: readNumbers(counts).map((n) => n + 0.5) };
    return { ...honest, delta: new Map([["counts", halves]]) };
  },
}));

/** Reports every explanation of its panels as better than perfect. */
const boastful = plugin<Attack>("boastful", () => ({
  corruptUpdate: ({ delta, ...honest }: TrainResult): TrainResult => ({
    ...honest,
    delta: new Map(
      [...delta].map(([name, module]) => {
        const tensor = module as Tensor;
        if (name !== "variations") return [name, module];
        return [name, { ...tensor, data: readNumbers(tensor).map((x) => -x) }];
      }),
    ),
  }),
}));

/** Sends factors of the right shape instead of a dense tensor. */
const factored = plugin<Attack>("factored", () => ({
  corruptUpdate: (honest: TrainResult): TrainResult => ({
    ...honest,
    delta: new Map(
      [...honest.delta].map(([name, module]) => {
        const { shape, data } = module as Dense;
        if (shape[1] !== 1) return [name, module];
        return [name, { b: { shape, data }, a: { shape: [1, 1], data: Float64Array.of(1) } }];
      }),
    ),
  }),
}));

const plugins: Plugins = {
  tasks: new Map([[evaluationBias.name, evaluationBias]]),
  aggregators: new Map([momentSubspace, average, mute, rote].map((p) => [p.name, p])),
  attacks: new Map(
    [fabricate, impossible, impossibleOnce, boastful, factored].map((p) => [p.name, p]),
  ),
};

const small = `
name: small
rounds: 3
clients: 9
task: { name: evaluation-bias, panels: [{ alpha: 4, tau: 1.2 }, { alpha: 2, tau: 1.6 }] }
aggregator: { name: moment-subspace }
attacks:
  - { attack: { name: fabricate, kind: spike }, clients: [c02] }
  - { attack: { name: fabricate, kind: bimodal }, clients: [c05] }
`;

async function run(overrides: readonly string[] = [], text = small): Promise<readonly RoundDone[]> {
  const trial = parseTrial(text, "small.yaml", plugins, overrides);
  return (await play(trial, plugins)).rounds;
}

function findingsOf(rounds: readonly RoundDone[]): Findings {
  return rounds.at(-1)?.artifacts["findings"] as Findings;
}

function statuses(round: RoundDone | undefined): Record<string, string> {
  return Object.fromEntries(
    (round?.record.clients ?? []).flatMap(({ clientId, verdict }) =>
      verdict === undefined || verdict === "benign" ? [] : [[clientId, verdict]],
    ),
  );
}

describe("evaluation-bias", () => {
  it("takes two rounds, flags the fabricators, and is far closer to the truth than a plain mean", async () => {
    const robust = await run();
    assert.deepEqual(
      robust.map(({ record }) => record.phase),
      ["reference", "moments"],
    );
    assert.deepEqual(statuses(robust[1]), { c02: "contaminated", c05: "contaminated" });
    const { alphaError = NaN, tauError = NaN, shareError = NaN } = robust[1]?.record.metrics ?? {};
    assert.ok(
      alphaError < 0.15 && tauError < 0.04 && shareError < 0.03,
      `${alphaError} ${tauError}`,
    );
    const naive = await run(["aggregator.name=average"]);
    assert.deepEqual(statuses(naive[1]), {});
    assert.ok((naive[1]?.record.metrics.alphaError ?? NaN) > 0.3);
    // Institutions measure it on their own panels.
    const distance = (rounds: readonly RoundDone[]) =>
      rounds[1]?.record.clients[0]?.evaluation?.totalVariation ?? NaN;
    assert.ok(distance(robust) < distance(naive), `${distance(robust)} ${distance(naive)}`);
  });

  it("compares the model with other explanations, and the panels as schedulers", async () => {
    const { explanations, panels } = findingsOf(await run());
    for (const { variations, sampling } of explanations) {
      const { model = NaN, ...others } = variations;
      assert.equal(Object.keys(others).length, 5);
      assert.ok(Math.min(...Object.values(others)) > model - 0.005, JSON.stringify(variations));
      assert.ok(Math.abs(model / (sampling ?? NaN) - 1) < 0.25, `${model} ${sampling}`);
    }
    // 8 of 40 clients is c = 0.2; few clients scatter around the share of a large population.
    panels.forEach(({ scheduling, selection }) => {
      assert.equal(scheduling.length, 5);
      for (const { intervention, share2, utility, opt } of scheduling) {
        const large = selection.find((row) => row.intervention === intervention && row.c === 0.2);
        if (intervention !== "atleast") {
          assert.ok(Math.abs(share2 - (large?.share2 ?? NaN)) < 0.04, `${intervention} ${share2}`);
        }
        assert.ok(utility < opt);
      }
    });
  });

  it("measures group 2's share of the seats and the selected people under interventions", async () => {
    const options = ["task.selection.c=0.12", "task.selection.frac2=0.4"];
    const rounds = await run(options);
    const { panels } = findingsOf(rounds);
    const metrics = rounds.at(-1)?.record.metrics ?? {};
    panels.forEach(({ selection }, j) => {
      const rows = selection.filter(({ c }) => c === 0.12);
      assert.equal(rows.length, 5);
      for (const { intervention, share2, utility } of rows) {
        assert.equal(metrics[`share2.${intervention}.${j + 1}`], share2);
        assert.equal(metrics[`utility.${intervention}.${j + 1}`], utility);
      }
      const of = (name: string) => metrics[`${name}.${j + 1}`] ?? NaN;
      // Seats by the groups' sizes are the best choice if the ranks in group 2 are right.
      assert.ok(Math.abs(of("share2.proportional") - 0.4) < 1e-9);
      assert.ok(of("utility.proportional") > of("utility.none"));
      assert.ok(of("interventionError") >= of("shareError") && of("interventionError") < 0.03);
    });
    // Panel 1 shifts scores down by alpha = 4 and hides nothing by its tau, 1.2.
    const { "share2.none.1": none = NaN, "share2.reduceSkew.1": training = NaN } = metrics;
    assert.ok(none < training && training < 0.4, `${none} ${training}`);
  });

  it("excludes institutions with impossible numbers and reports them as invalid", async () => {
    const rounds = await run(["attacks.0.attack={name: impossible}"]);
    assert.deepEqual(statuses(rounds[0]), { c02: "invalid" });
    assert.deepEqual(statuses(rounds[1]), { c02: "invalid", c05: "contaminated" });
    const naive = await run(["attacks.0.attack={name: impossible}", "aggregator.name=average"]);
    assert.equal(statuses(naive[1])["c02"], "invalid");
    const boastfulRounds = await run(["attacks.0.attack={name: boastful}"]);
    assert.deepEqual(statuses(boastfulRounds[0]), {});
    assert.deepEqual(statuses(boastfulRounds[1]), { c02: "invalid", c05: "contaminated" });
  });

  it("excludes factored answers, and ends if no institution is left", async () => {
    const rounds = await run(["attacks.0.attack={name: factored}"]);
    const [, , factored] = rounds[0]?.record.clients ?? [];
    assert.deepEqual([factored?.clientId, factored?.failure?.code], ["c02", "WRONG_SHAPE"]);
    assert.match(factored?.failure?.message ?? "", /expected one tensor, got low-rank factors/);
    const all = "attacks=[{attack: {name: impossible}, fraction: 1}]";
    await assert.rejects(run([all]), /no institution sent numbers that scores could give/);
  });

  it("flags an institution inside the model by comparing fits, and scales its score to the threshold", async () => {
    const rounds = await run([
      "attacks=[{attack: {name: fabricate, kind: inside}, clients: [c01]}]",
      // A detector that flags no one.
      "aggregator={name: moment-subspace, factor: 1000}",
    ]);
    assert.deepEqual(statuses(rounds[1]), { c01: "contaminated" });
    const [, odd] = rounds[1]?.record.clients ?? [];
    assert.ok((odd?.score ?? NaN) > (odd?.threshold ?? NaN));
    assert.equal(rounds[1]?.record.metrics["warned"], 0);
  });

  it("excludes clients flagged in the first phase from the second, whatever their verdict there", async () => {
    const flaggedEarly = await run(["aggregator={name: rote, reference: [c02, c05]}"]);
    assert.deepEqual(statuses(flaggedEarly[1]), { c02: "contaminated", c05: "contaminated" });
    const [, , flagged, , , other] = flaggedEarly[1]?.record.clients ?? [];
    // The round has no threshold of its own, so the record shows the earlier score and threshold.
    assert.deepEqual([flagged?.score, flagged?.threshold], [0.8, 0.4]);
    assert.equal(flagged?.reason, "contaminated in phase reference");
    assert.equal(other?.verdict, "contaminated");
    const { alphaError = NaN, warned } = flaggedEarly[1]?.record.metrics ?? {};
    assert.ok(alphaError < 0.15, `${alphaError}`);
    assert.equal(warned, 0);
    const leftOut = (id: string) => id === "c02" || id === "c05";
    for (const { clientId, kept } of findingsOf(flaggedEarly).institutions) {
      assert.equal(kept, !leftOut(clientId), clientId);
    }
    // If both phases flag a client, the verdict is the second phase's own.
    const confirmed = await run([
      "aggregator={name: rote, reference: [c02, c05], moments: [c02, c05]}",
    ]);
    assert.equal(confirmed[1]?.record.clients[2]?.reason, undefined);
    assert.deepEqual(confirmed[1]?.record.metrics, flaggedEarly[1]?.record.metrics);
  });

  it("takes the law of true scores from a trimmed mean, which hidden fabrications hardly shift", async () => {
    const rounds = await run([
      "aggregator={name: rote, moments: [c02, c05]}",
      "attacks=[{attack: {name: fabricate, kind: deflate}, clients: [c02, c05]}]",
    ]);
    const { alphaError = NaN } = rounds[1]?.record.metrics ?? {};
    assert.ok(alphaError < 0.15, `${alphaError}`);
  });

  it("ignores the second answer of an institution whose first one was impossible", async () => {
    for (const aggregator of ["moment-subspace", "average"]) {
      const rounds = await run([
        "attacks=[{attack: {name: impossibleOnce}, clients: [c02]}]",
        `aggregator.name=${aggregator}`,
      ]);
      assert.deepEqual(statuses(rounds[0]), { c02: "invalid" });
      assert.deepEqual(statuses(rounds[1]), { c02: "invalid" });
      assert.equal(rounds[1]?.record.clients[2]?.reason, "invalid in phase reference");
      assert.ok(!findingsOf(rounds).institutions.some(({ clientId }) => clientId === "c02"));
    }
  });

  it("bases warnings on what was pooled after all tests, and on who was behind the distribution of true scores", async () => {
    const warningAfter = async (aggregator: string, ...more: string[]) => {
      const rounds = await run([`aggregator=${aggregator}`, ...more]);
      const { warning } = findingsOf(rounds);
      assert.equal(rounds[1]?.record.metrics["warned"], warning === undefined ? 0 : 1);
      return warning;
    };
    assert.equal(
      await warningAfter("{name: rote, reference: [c02, c05, c07]}"),
      "33 % of the institutions are flagged",
    );
    // The detector flags no one; the guard flags three of nine.
    assert.equal(
      await warningAfter(
        "{name: moment-subspace, factor: 1000}",
        "attacks=[{attack: {name: fabricate, kind: inside}, clients: [c01, c04, c06]}]",
      ),
      "33 % of the institutions are flagged",
    );
    assert.equal(
      await warningAfter("{name: rote, reference: [c02], moments: [c02, c05]}"),
      "1 of the 8 institutions behind the law of true scores are flagged since",
    );
  });

  it("passes the first phase on as values that survive JSON", () => {
    const verdict = (clientId: string, status: Verdict["status"]): Verdict => ({
      clientId,
      status,
      pooled: status === "benign",
      score: status === "invalid" ? null : 0.5,
      threshold: 0.4,
    });
    const state = prepareEarlier("reference", [
      verdict("a", "benign"),
      { ...verdict("b", "contaminated"), reason: "norm" },
      verdict("c", "invalid"),
      verdict("d", "inactive"),
    ]);
    assert.deepEqual(JSON.parse(JSON.stringify(state)), state);
    assert.deepEqual(
      state.map(({ clientId, reason }) => [clientId, reason]),
      [
        ["a", undefined],
        ["b", "contaminated in phase reference: norm"],
        ["c", "invalid in phase reference"],
        ["d", undefined],
      ],
    );
    // The score is rescaled to this round's threshold, unless that is missing or 0.
    const evidence = { score: 0.75, threshold: 0.5 };
    assert.deepEqual(rescale(evidence, 2), { score: 3, threshold: 2 });
    assert.deepEqual(rescale(evidence, null), evidence);
    assert.deepEqual(rescale(evidence, 0), evidence);
    assert.equal(rescale({ score: Infinity, threshold: 4 }, 0.5).score, 5e5);
  });

  it("flags late only clients that both phases together find outside, and never revokes an earlier flag", () => {
    const verdict = (clientId: string, score: number | null, threshold: number): Verdict => ({
      clientId,
      status: (score ?? 1) > threshold ? "contaminated" : "benign",
      pooled: (score ?? 1) <= threshold,
      score,
      threshold,
    });
    const before = [
      verdict("a", 1, 4), // a quarter of the threshold
      verdict("b", 1, 4),
      verdict("c", 8, 4), // twice the threshold
      verdict("d", null, 4),
    ];
    const now = [verdict("a", 6, 2), verdict("b", 10, 2), verdict("c", 1, 2), verdict("d", 6, 2)];
    const combined = combineWithEarlier(now, prepareEarlier("reference", before), []);
    assert.deepEqual(
      combined?.map(({ clientId, status, score }) => [clientId, status, score]),
      [
        ["a", "benign", 2 * Math.sqrt(3 / 4)],
        ["b", "contaminated", 2 * Math.sqrt(5 / 4)],
        ["c", "contaminated", 4], // as in the first phase: twice the threshold
        ["d", "contaminated", 6], // without an earlier score
      ],
    );
  });

  it("warns if more than 30 % are flagged", async () => {
    const [, round] = await run(["attacks.0.clients=[c02, c03]"]);
    assert.equal(round?.record.metrics["warned"], 1);
    assert.match(String(findingsOf([round]).warning), /^33 % of the institutions are flagged$/);
  });

  it("warns if a flagged score lies close to the others", () => {
    const verdict = (score: number, status: Verdict["status"]): Verdict => ({
      clientId: `c${score}`,
      status,
      pooled: status === "benign",
      score,
      threshold: 2,
    });
    const benign = [0.5, 1, 1.5, 0.7].map((score) => verdict(score, "benign"));
    const close = findWarning([...benign, verdict(2.4, "contaminated")]);
    assert.equal(close, "the smallest flagged score is only 1.60 times the largest of the others");
    assert.equal(findWarning([...benign, verdict(3, "contaminated")]), undefined);
    assert.equal(findWarning(benign), undefined);
  });

  it("sends only counts and moments, at most 1 kB", async () => {
    const trial = parseTrial(small, "small.yaml", plugins, [
      "task.panels=[{alpha: 1, tau: 1.1}, {alpha: 2, tau: 1.6}, {alpha: 4, tau: 1.1}, {alpha: 4, tau: 1.6}]",
    ]);
    const prepared = prepare(trial, plugins);
    const runner = new ClientRunner(prepared);
    const task = await prepared.loadTask();
    const paramsOf = (base: Params) => ({ base, rounds: [] });
    const identity = { clientIndex: 0, clientCount: 6, seed: 1, commonSeed: 2 };
    const job = { id: 1, round: 1, kind: "train" as const, clientId: "c00", ...identity };
    const first = await runner.run({ ...job, phase: "reference", params: paramsOf(new Map()) });
    assert.ok("update" in first);
    assert.deepEqual([...first.update.delta.keys()], ["counts"]);
    const [counts] = [...first.update.delta.values()].flatMap(tensorsOf);
    assert.ok(counts && countNumbers(counts) === 50 && readNumbers(counts).every(Number.isInteger));
    const round = roundOf({ phase: "reference", updates: [first.update] });
    const pmf = { shape: [50, 1], data: readNumbers(counts).map((n) => n / 2000) };
    const { step } = await stepOf(task, round, { change: [new Map([["pmf", pmf]])] });
    const params = paramsOf(step.params ?? new Map());
    const second = await runner.run({ ...job, id: 2, phase: "moments", params });
    assert.ok("update" in second);
    const sent = [...second.update.delta].flatMap(([, module]) => tensorsOf(module));
    assert.deepEqual(
      sent.map(({ shape }) => shape),
      [[8, 4], [4], [4], [6, 4]],
    );
    assert.equal(payloadBytes(sent), 512);
    assert.deepEqual(second.update.metrics, {});
  });

  it("adds noise on request", async () => {
    const quiet = findingsOf(await run());
    const noisy = findingsOf(await run(["task.noiseMultiplier=3"]));
    const [a, b] = [quiet, noisy].map(({ panels }) => item(panels, 0).alpha);
    assert.ok(a !== b && Math.abs((a ?? NaN) / (b ?? NaN) - 1) < 0.2, `${a} ${b}`);
  });

  it("draws densities, explanations, selections, schedules and institutions", async () => {
    const value = JSON.parse(JSON.stringify(findingsOf(await run()))) as unknown;
    const trial = parseTrial(small, "small.yaml", plugins);
    const input = {
      task: trial.task,
      artifacts: [{ arm: "moment-subspace", round: 2, name: "findings", value }],
      arms: [{ label: "moment-subspace", colour: "#0072b2" }],
      clients: noClients,
      width: 860,
    };
    const figures = (await evaluationBias.figures?.(input)) ?? [];
    assert.deepEqual(
      figures.map(({ name }) => name),
      ["densities", "explanations", "effects", "selection", "scheduler", "institutions"],
    );
    // Sign and size of the change of tau: from 1.2 up, from 1.6 down, half of the way to 1.42.
    assert.match(figures[3]?.caption ?? "", /panel 1 \+0\.1\d\d nats, panel 2 −0\.0\d\d nats/);
    assert.deepEqual(await evaluationBias.figures?.({ ...input, artifacts: [] }), []);
  });

  it("reports invalid options, and an aggregator that returns nothing", async () => {
    const message = (options: object) =>
      optionsSchema
        .safeParse(options)
        .error?.issues.map((issue) => [...issue.path, issue.message].join(": "));
    assert.deepEqual(message({ lo: 5 }), ["lo: expected less than hi = 5, got 5"]);
    assert.deepEqual(message({ panelScores: 50 }), [
      "panelScores: expected at least minCount = 100, got 50",
    ]);
    assert.deepEqual(message({ bins: 10, features: 10 }), [
      "features: expected less than bins = 10, got 10",
    ]);
    assert.match(String(message({ panels: [{ alpha: 0, tau: 1 }] })), /panels: 0: alpha/);
    assert.match(String(message({ selection: { c: 1 } })), /selection: c/);
    await assert.rejects(run(["aggregator.name=mute"]), (error: unknown) => {
      return error instanceof UserError && /neither verdicts nor a mean/.test(error.message);
    });
  });
});
