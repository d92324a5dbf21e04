import assert from "node:assert/strict";
import type { MetricInfo } from "@fedclair/core";
import { exitCodes, type ClientRecord, type Trial } from "@fedclair/core/internal";
import { toyTrial } from "@fedclair/core/testing";
import { roundDetection, isExact } from "./detection.js";
import { listRunFaults } from "./exit-faults.js";
import { findLoss } from "./losses.js";
import type { ArmRecord } from "./arm-record.js";
import { summarise, type Summary } from "./summary.js";
import { outcomeText } from "../outcome/outcome-text.js";
import { clientOf, lostClient, recordOf, runOf } from "../../testing/run-of.js";

const infos: Readonly<Record<string, MetricInfo>> = {
  accuracy: { better: "higher", description: "share" },
  loss: { better: "lower", unit: "nats", description: "mean loss" },
};

/** Returns a measure of a summary. @throws if there is none */
function valueOf({ measures }: Summary, name: string): number {
  const value = measures[name];
  assert.ok(value !== undefined, `no ${name}`);
  return value;
}

function close(got: number, wanted: number): void {
  assert.ok(Math.abs(got - wanted) < 1e-12, `${got}, expected ${wanted}`);
}

function detailOf({ details }: Summary, name: string) {
  const [found, ...others] = details.filter((measure) => measure.name === name);
  assert.ok(found && others.length === 0, name);
  return found;
}

describe("summarise", () => {
  const trial = toyTrial({ baselines: [{ label: "local", aggregator: { name: "toy-mean" } }] });
  const records = [
    recordOf(
      "toy-mean",
      1,
      clientOf("c00", null, "benign", 0.5),
      clientOf("c01", null, "contaminated", 0.5),
      clientOf("c02", "flip", "contaminated"),
      clientOf("c03", "noise", "benign"),
    ),
    recordOf(
      "toy-mean",
      2,
      clientOf("c00", null, "benign", 0.8),
      clientOf("c01", null, "benign", 0.6),
      clientOf("c02", "flip", "contaminated"),
      clientOf("c03", "noise", "invalid"),
    ),
    recordOf(
      "local",
      2,
      clientOf("c00", null, undefined, 0.4),
      clientOf("c01", null, undefined, 0.2),
    ),
  ];
  const summary = summarise(trial, infos, records);
  const { measures } = summary;

  it("compares verdicts with the truth", () => {
    assert.equal(measures["detection.exactRounds"], 1);
    assert.equal(measures["detection.recall"], 1);
    assert.equal(measures["detection.precision"], 1);
    assert.equal(measures["detection.falseAlarmsMean"], 0.5);
    assert.equal(measures["detection.recallMean"], 0.75);
    // Three of four flags were right: one of two in round 1, two of two in round 2.
    assert.equal(measures["detection.precisionMean"], 0.75);
    assert.equal(measures["detection.f1"], 0.75);
    assert.equal(measures["detection.recall.flip"], 1);
    assert.equal(measures["detection.recall.noise"], 0.5);
  });

  it("compares the coordinator's measurements separately from those of clients", () => {
    const measured = [
      { ...recordOf("toy-mean", 1), metrics: { loss: 3, rank: 1 } },
      { ...recordOf("local", 1), metrics: { loss: 2 } },
    ];
    const { measures: global } = summarise(trial, infos, measured);
    assert.equal(global["global.loss.toy-mean"], 3);
    assert.equal(global["global.rank.toy-mean"], 1);
    assert.equal(global["global.loss.gainOver.local"], 1);
    assert.equal(global["global.loss.ratioTo.local"], 1.5);
    assert.equal(global["global.rank.gainOver.local"], undefined);
  });

  it("leaves out values that are not finite", () => {
    const grown = [{ ...recordOf("toy-mean", 1), metrics: { loss: NaN, gap: Infinity, rank: 1 } }];
    const { measures: found } = summarise(trial, infos, grown);
    assert.deepEqual(Object.keys(found), [
      "global.rank.toy-mean",
      "clients.lost",
      "clients.lost.local",
      "bytes.up",
      "bytes.down",
    ]);
  });

  it("averages what benign clients measured in the last round, and compares arms", () => {
    close(valueOf(summary, "accuracy.toy-mean"), 0.7);
    close(valueOf(summary, "accuracy.gainOver.local"), 0.4);
    close(valueOf(summary, "accuracy.ratioTo.local"), 0.7 / 0.3);
    assert.equal(measures["bytes.up"], 8);
    assert.equal(measures["bytes.down"], 20);
  });

  it("leaves out the recall of an attack whose clients were never judged", () => {
    const refused = recordOf(
      "toy-mean",
      1,
      clientOf("c00", null, "benign"),
      clientOf("c01", "broken"),
    );
    const found = summarise(toyTrial(), infos, [refused]).measures;
    assert.ok(Object.values(found).every(Number.isFinite));
    assert.equal("detection.recall.broken" in found, false);
    assert.equal("detection.recall" in found, false);
    assert.equal("detection.exactRounds" in found, false);
    assert.equal(found["detection.falseAlarms"], 0);
  });

  it("compares arms over the clients that measured in both, and skips an arm that stopped", () => {
    const some = [
      recordOf(
        "toy-mean",
        1,
        clientOf("c00", null, "benign", 0.5),
        clientOf("c01", null, "benign", 0.9),
      ),
      recordOf("local", 1, clientOf("c00", null, undefined, 0.4), clientOf("c01", null)),
    ];
    const found = summarise(trial, infos, some);
    close(valueOf(found, "accuracy.gainOver.local"), 0.1);
    assert.equal(detailOf(found, "accuracy.gainOver.local").n, 1);
    // An arm's own mean is compared with the other arms' and covers the same clients.
    assert.equal(detailOf(found, "accuracy.toy-mean").n, 1);
    close(valueOf(found, "accuracy.toy-mean"), 0.5);
    const alone = summarise(trial, infos, some, new Map([["local", "it broke"]]));
    assert.deepEqual(alone.arms, ["toy-mean"]);
    assert.equal("accuracy.local" in alone.measures, false);
    assert.equal(detailOf(alone, "accuracy.toy-mean").n, 2);
  });

  it("leaves out undefined measures", () => {
    const bare = summarise(toyTrial(), infos, [recordOf("toy-mean", 1, clientOf("c00", null))]);
    assert.deepEqual(Object.keys(bare.measures), ["clients.lost", "bytes.up", "bytes.down"]);
  });
});

describe("roundDetection", () => {
  it("does not count clients that never reached the aggregator", () => {
    const found = roundDetection([clientOf("c00", null, "benign"), clientOf("c01", "flip")]);
    assert.deepEqual(found, {
      contaminated: 0,
      benign: 1,
      hits: 0,
      falseAlarms: 0,
      unknown: { judged: 0, flagged: 0 },
    });
    assert.ok(found);
    assert.equal(isExact(found), undefined);
    assert.equal(roundDetection([clientOf("c01", "flip")]), undefined);
  });

  it("counts undecided clients neither as hits nor as false alarms", () => {
    const found = roundDetection([
      clientOf("c00", null, "undecided"),
      clientOf("c01", "flip", "undecided"),
      clientOf("c02", "flip", "contaminated"),
    ]);
    assert.ok(found);
    const { contaminated, hits, falseAlarms } = found;
    assert.deepEqual(
      { contaminated, hits, falseAlarms },
      { contaminated: 2, hits: 1, falseAlarms: 0 },
    );
    assert.equal(isExact(found), false);
  });

  it("counts clients of unknown truth neither as hits nor as false alarms", () => {
    const found = roundDetection([
      { ...clientOf("c00", null, "contaminated"), truth: "unknown" },
      { ...clientOf("c01", null, "benign"), truth: "unknown" },
      clientOf("c02", null, "benign"),
    ]);
    assert.deepEqual(found, {
      contaminated: 0,
      benign: 1,
      hits: 0,
      falseAlarms: 0,
      unknown: { judged: 2, flagged: 1 },
    });
  });
});

describe("measures", () => {
  const trial = toyTrial({ baselines: [{ label: "local", aggregator: { name: "toy-mean" } }] });

  it("describe their meaning, the number of values, and which direction is better", () => {
    const summary = summarise(trial, infos, [
      {
        ...recordOf("toy-mean", 1, clientOf("c00", null, "benign", 0.5)),
        metrics: { loss: -2, rank: 3 },
      },
      { ...recordOf("local", 1, clientOf("c00", null, undefined, 0.25)), metrics: { loss: -1 } },
    ]);
    assert.deepEqual(detailOf(summary, "accuracy.gainOver.local"), {
      name: "accuracy.gainOver.local",
      scope: "clients",
      metric: "accuracy",
      arm: "toy-mean",
      comparison: { kind: "gainOver", arm: "local" },
      value: 0.25,
      n: 1,
      better: "higher",
    });
    const ends = Object.fromEntries(summary.details.map(({ name, better }) => [name, better]));
    assert.equal(ends["loss.gainOver.local"], "lower");
    assert.equal(ends["global.loss.gainOver.local"], "lower");
    assert.equal(ends["global.loss.ratioTo.local"], undefined); // its base is negative
    assert.equal(ends["global.rank.toy-mean"], undefined); // it has no description
    assert.equal(ends["detection.falseAlarms"], "lower");
    assert.deepEqual(
      summary.details.map(({ name, value }) => [name, value]),
      Object.entries(summary.measures),
    );
  });

  it("contain the largest metrics that mods reported for clients that are not contaminated", () => {
    const withEpsilon = (id: string, epsilon: number, attack: string | null = null) => ({
      ...clientOf(id, attack, "benign"),
      mods: { private: { epsilon } },
    });
    const rounds = [
      recordOf("toy-mean", 1, withEpsilon("c00", 2), withEpsilon("c01", 9, "flip")),
      recordOf("toy-mean", 2, withEpsilon("c02", 3), clientOf("c01", "flip")),
      recordOf("toy-mean", 3, withEpsilon("c00", 2.5)),
    ];
    const trial = toyTrial({ rounds: 3 });
    const { details } = summarise(trial, {}, rounds);
    assert.deepEqual(
      details.filter(({ scope }) => scope === "mods"),
      [
        {
          name: "mods.private.epsilon",
          scope: "mods",
          mod: "private",
          metric: "epsilon",
          value: 3,
          n: 2,
        },
      ],
    );
    const run = runOf({ ...trial, mods: [{ name: "private", clip: 1 }] }, rounds);
    assert.match(outcomeText(run), /^private \(clip 1\): epsilon at most 3$/m);
  });

  it("work for clients and arms of any name", () => {
    for (const label of ["constructor", "__proto__", "toString"]) {
      const named: Trial = {
        ...trial,
        baselines: [{ label, aggregator: { name: "toy-mean" }, clients: "all" }],
      };
      const client: ClientRecord = {
        ...clientOf("c00", "__proto__", "contaminated"),
      };
      const measuring: ClientRecord = {
        ...clientOf("c01", null),
        evaluation: JSON.parse('{"__proto__": 3, "constructor": 4}') as Record<string, number>,
      };
      const records = [recordOf("toy-mean", 1, client, measuring), recordOf(label, 1, measuring)];
      const found = summarise(named, infos, records);
      assert.deepEqual(found.arms, ["toy-mean", label]);
      const read = new Map(Object.entries((JSON.parse(JSON.stringify(found)) as Summary).measures));
      assert.equal(read.get(`constructor.${label}`), 4);
      assert.equal(read.get(`__proto__.gainOver.${label}`), 0);
      assert.equal(read.get("detection.recall.__proto__"), 1);
      const stopped = summarise(named, infos, records, new Map([[label, "it broke"]]));
      assert.deepEqual(stopped.arms, ["toy-mean"]);
      assert.deepEqual(Object.entries(stopped.stopped), [[label, "it broke"]]);
    }
  });

  it("leave out clients of unknown truth only where the truth is needed", () => {
    const unknown: ClientRecord = {
      ...clientOf("c00", null, "contaminated", 0.5),
      truth: "unknown",
    };
    const { measures } = summarise(toyTrial(), infos, [recordOf("toy-mean", 1, unknown)]);
    assert.deepEqual(
      Object.keys(measures).filter((name) => name.startsWith("detection.")),
      [],
    );
    assert.equal(measures["accuracy.toy-mean"], 0.5);
  });

  it("name the clients that hung, with their first hang", () => {
    const hung = (message: string): ClientRecord => ({
      ...lostClient("c01"),
      failure: { code: "CLIENT_HUNG", message },
    });
    const records = [
      recordOf("toy-mean", 1, clientOf("c00", null)),
      recordOf("toy-mean", 2, hung("task 'x' did not return")),
      recordOf("toy-mean", 3, hung("not asked")),
    ];
    assert.equal(summarise(trial, infos, records.slice(0, 1)).hung, undefined);
    assert.deepEqual(summarise(trial, infos, records).hung, {
      c01: "toy-mean, round 2: task 'x' did not return",
    });
  });

  it("contain only the losses of an arm that stopped", () => {
    const records = [
      recordOf("toy-mean", 1, clientOf("c00", null, "benign", 0.5), lostClient("c01")),
      { ...recordOf("toy-mean", 2, clientOf("c00", null)), stopped: "it broke" },
      recordOf("local", 1, clientOf("c00", null, undefined, 0.25)),
    ];
    const { arms, stopped, measures } = summarise(trial, infos, records);
    assert.deepEqual(arms, ["local"]);
    assert.deepEqual(stopped, { "toy-mean": "round 2: it broke" });
    assert.deepEqual(Object.keys(measures), [
      "loss.local",
      "accuracy.local",
      "clients.lost",
      "clients.lost.local",
    ]);
  });
});

describe("losses", () => {
  const client = clientOf("c00", null);
  const failing = (code: NonNullable<ClientRecord["failure"]>["code"]) => lostClient("c00", code);

  it("are answers that never arrived or cannot be read, and not diverged ones", () => {
    for (const code of [
      "MALFORMED",
      "WRONG_MODULES",
      "WRONG_SHAPE",
      "HOST_LOST",
      "LATE",
      "CLIENT_TIMEOUT",
      "CLIENT_ERROR",
      "OVERSIZE",
    ] as const) {
      assert.equal(findLoss(failing(code))?.code, code);
    }
    assert.equal(findLoss(failing("NON_FINITE")), undefined);
    assert.equal(findLoss(client), undefined);
  });

  it("include missing measurements, except for a task without client-side evaluation", () => {
    const { failure } = failing("HOST_LOST");
    assert.ok(failure);
    assert.equal(findLoss({ ...client, evaluationFailure: failure }), failure);
    const none = {
      code: "NO_EVALUATION",
      message: "the task has no client-side evaluation",
    } as const;
    assert.equal(findLoss({ ...client, evaluationFailure: none }), undefined);
  });

  it("exclude clients whose attack breaks them, and include clients of unknown truth", () => {
    for (const code of ["CLIENT_TIMEOUT", "CLIENT_ERROR", "OVERSIZE", "WRONG_SHAPE"] as const) {
      assert.equal(findLoss({ ...failing(code), attack: "broken" }), undefined);
    }
    assert.ok(findLoss({ ...failing("CLIENT_TIMEOUT"), truth: "unknown" }));
  });

  it("include contaminated clients whose host was lost or silent", () => {
    for (const code of ["HOST_LOST", "LATE"] as const) {
      assert.equal(findLoss({ ...failing(code), attack: "broken" })?.code, code);
    }
  });

  const trial = toyTrial({ baselines: [{ label: "local", aggregator: { name: "toy-mean" } }] });
  const records: ArmRecord[] = [
    recordOf("toy-mean", 1, client, failing("LATE"), { ...failing("LATE"), attack: "broken" }),
    recordOf("local", 1, client, failing("HOST_LOST")),
    recordOf("local", 2, client, client),
  ];

  it("are counted per arm over all rounds", () => {
    const summary = summarise(trial, infos, records);
    assert.deepEqual(
      summary.details
        .filter(({ scope }) => scope === "lost")
        .map(({ name, value, n }) => [name, value, n]),
      [
        ["clients.lost", 2, 3],
        ["clients.lostContaminated", 1, 1],
        ["clients.lost.local", 1, 4],
      ],
    );
  });

  it("beyond limits.maxLost have their own exit code, and so does an arm that stopped", () => {
    const faults = (maxLost: number, stopped = new Map<string, string>()) => {
      const limited = { ...trial, limits: { ...trial.limits, maxLost } };
      return listRunFaults(limited, summarise(trial, infos, records, stopped));
    };
    assert.equal(trial.limits.maxLost, 0);
    const [fault, ...others] = faults(2);
    assert.equal(fault?.exitCode, exitCodes.lost);
    assert.match(
      fault.message,
      /^3 of 7 client rounds were lost, 1 of a contaminated client \(2 in toy-mean, 1 in local\), limits\.maxLost = 2/,
    );
    assert.equal(others.length, 0);
    assert.deepEqual(faults(3), []);
    assert.deepEqual(
      faults(0, new Map([["toy-mean", "it broke"]])).map(({ exitCode }) => exitCode),
      [exitCodes.stopped, exitCodes.lost],
    );
  });
});
