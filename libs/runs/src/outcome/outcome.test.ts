import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import wrapAnsi from "wrap-ansi";
import type { ClientRecord, Trial } from "@fedclair/core/internal";
import { toyTrial } from "@fedclair/core/testing";
import { clientOf, lostClient, recordOf, runOf } from "../../testing/run-of.js";
import { listRunFaults } from "../measures/exit-faults.js";
import { clientRows } from "./client-rows.js";
import { columns } from "../words/columns.js";
import { compareArms } from "./arm-rows.js";
import { outcomeText } from "./outcome-text.js";
import { refinementText } from "./refinement-text.js";
import { compareMeans, isBetter, summaryCard, verdictCard } from "./verdict-card.js";
import { verdictSentence } from "./verdict.js";

const trial: Trial = {
  ...toyTrial(),
  clients: 3,
  aggregator: { name: "clair" },
  baselines: [{ label: "mean", aggregator: { name: "fedavg" }, clients: "all" }],
};
const single = { ...trial, rounds: 1 };

const two = [
  recordOf("clair", 1, clientOf("c00", null, "benign"), clientOf("c01", "flip", "benign")),
  recordOf(
    "clair",
    2,
    clientOf("c00", null, "contaminated", 0.5),
    clientOf("c01", "flip", "contaminated"),
    clientOf("c02", null, "benign", 0.7),
  ),
];

/** A client of unknown truth. */
const external = (client: ClientRecord): ClientRecord => ({ ...client, truth: "unknown" });
/** A client about which the aggregator is undecided. */
const undecided = (client: ClientRecord): ClientRecord => {
  return { ...client, verdict: "undecided", threshold: null, reason: "too few clients" };
};

const plain = (text: string) => stripVTControlCharacters(text);

describe("refinementText", () => {
  it("counts the choices of clients that are not contaminated, over all rounds", () => {
    const chose = (client: ClientRecord, refinement: ClientRecord["refinement"]): ClientRecord => {
      return refinement ? { ...client, refinement } : client;
    };
    const records = [
      recordOf(
        "clair",
        1,
        chose(clientOf("c00", null, "benign"), "own"),
        chose(clientOf("c01", "flip", "benign"), "clair"),
      ),
      recordOf(
        "clair",
        2,
        chose(clientOf("c00", null, "benign"), "clair"),
        chose(clientOf("c02", null, "benign"), "shrunk-half"),
      ),
      recordOf("mean", 1, chose(clientOf("c00", null), "added-half")),
    ];
    const run = runOf(trial, records);
    const text = "3 choices on held-back data: own 1, ½ own + ½ mean 1, CLAIR 1";
    assert.equal(refinementText(run), text);
    assert.ok(plain(outcomeText(run)).includes(`\n${text}\n`));
    const { measures } = run.summary;
    assert.equal(measures["refinement.own"], 1);
    assert.equal(measures["refinement.added-half"], 0);
    assert.equal(refinementText(runOf(trial, two)), undefined);
  });
});

describe("clientRows", () => {
  it("puts contaminated clients first and counts the rounds of each client", () => {
    const label = (id: string) => (id === "c01" ? "Lincoln" : "");
    const rows = clientRows(runOf(trial, two, { label }));
    assert.deepEqual(
      rows.map((row) => [row.display, row.mistake, row.roundsFlagged, row.roundsJudged]),
      [
        ["c01 Lincoln", undefined, 1, 2],
        ["c00", "false alarm", 1, 2],
        ["c02", undefined, 0, 1],
      ],
    );
    assert.deepEqual(rows[2]?.evaluation, { loss: 1, accuracy: 0.7 });
  });

  it("lists clients that only an earlier cohort judged, and keeps a verdict through a later phase without one", () => {
    const rows = clientRows(
      runOf(trial, [
        recordOf(
          "clair",
          1,
          clientOf("c00", "flip", "contaminated"),
          clientOf("c01", null, "benign"),
        ),
        recordOf("clair", 2, clientOf("c01", null, undefined, 0.5), clientOf("c02", null)),
      ]),
    );
    assert.deepEqual(
      rows.map(({ clientId, round, verdict, evaluation }) => [
        clientId,
        round,
        verdict,
        evaluation["accuracy"],
      ]),
      [
        ["c00", 1, "contaminated", undefined],
        ["c01", 1, "benign", 0.5],
        ["c02", 2, undefined, undefined],
      ],
    );
  });

  it("shows a failure after a verdict", () => {
    const rows = clientRows(
      runOf(trial, [
        recordOf("clair", 1, clientOf("c00", null, "benign")),
        recordOf("clair", 2, lostClient("c00", "LATE")),
      ]),
    );
    const [row] = rows;
    assert.deepEqual(
      [row?.round, row?.failure?.code, row?.verdict, row?.roundsJudged],
      [2, "LATE", undefined, 1],
    );
  });

  it("lists clients that were never sampled last, with their truth", () => {
    const run = runOf({ ...trial, clients: 4 }, two.slice(0, 1), {
      attacks: new Map([
        ["c01", "flip"],
        ["c03", "noise"],
      ]),
    });
    assert.deepEqual(
      clientRows(run).map(({ clientId, truth, round }) => [clientId, truth, round]),
      [
        ["c01", "flip", 1],
        ["c00", "benign", 1],
        ["c03", "noise", undefined],
        ["c02", "benign", undefined],
      ],
    );
    assert.match(plain(outcomeText(run)), /^c03 +noise +never took part/m);
    assert.match(verdictSentence(run), /1 contaminated client never took part/);
  });

  it("counts neither undecided verdicts nor verdicts on clients of unknown truth as mistakes", () => {
    const run = runOf(trial, [
      recordOf(
        "clair",
        1,
        undecided(clientOf("c00", null)),
        undecided(clientOf("c01", "flip")),
        external(clientOf("c02", null, "contaminated")),
      ),
    ]);
    assert.deepEqual(
      clientRows(run).map(({ clientId, truth, mistake }) => [clientId, truth, mistake]),
      [
        ["c01", "flip", undefined],
        ["c02", "unknown", undefined],
        ["c00", "benign", undefined],
      ],
    );
    const text = plain(outcomeText(run));
    assert.match(text, /^c01 +flip +undecided .* none +0\/1 +too few clients$/m);
    assert.match(text, /^c02 +unknown +contaminated/m);
  });

  it("is empty without a round", () => {
    assert.deepEqual(clientRows(runOf(trial, [])), []);
  });
});

describe("verdictSentence", () => {
  it("says what is known so far while the run is being written", () => {
    const running = (records: typeof two, changes: Partial<Trial> = {}) =>
      verdictSentence({
        ...runOf({ ...trial, ...changes }, records, {}, false),
        isRunning: true,
      });
    assert.equal(running([]), "The first round is running; nothing is known yet.");
    assert.match(running(two, { rounds: 5 }), /^After 2 of 5 rounds: clair flagged 1 of 1 /);
    assert.match(running(two, { rounds: 2 }), /^While the baselines run: clair flagged /);
  });

  it("covers the last round, all rounds, and the baselines that are as far", () => {
    const baseline = recordOf(
      "mean",
      2,
      clientOf("c00", null, undefined, 0.25),
      clientOf("c02", null, undefined, 0.25),
    );
    assert.equal(
      verdictSentence(runOf(trial, [...two, baseline], { primary: "accuracy" })),
      "clair flagged 1 of 1 contaminated clients in the last round, 1 of 2 over 2 rounds, with 1 false alarm; " +
        "flagged exactly the contaminated clients in 0 of the 2 rounds with any; benign accuracy 0.600 against 0.250 (mean).",
    );
    const metrics = { accuracy: { better: "higher" as const, description: "share" } };
    const good = recordOf(
      "mean",
      2,
      clientOf("c00", null, undefined, 0.7),
      clientOf("c02", null, undefined, 0.7),
    );
    assert.match(
      verdictSentence(runOf(trial, [...two, good], { primary: "accuracy", metrics })),
      /accuracy 0\.600 against 0\.700 \(mean\): mean serves them better\.$/,
    );
    const behind = { ...baseline, round: 1 };
    assert.match(
      verdictSentence(runOf(trial, [...two, behind], { primary: "accuracy" })),
      /benign accuracy 0\.600\.$/,
    );
  });

  it("compares by the primary metric, measured by the coordinator if clients do not measure it", () => {
    const measured = [
      { ...recordOf("clair", 1, clientOf("c00", null, undefined, 0.5)), metrics: { return: 0.9 } },
      { ...recordOf("mean", 1, clientOf("c00", null, undefined, 0.4)), metrics: { return: 0.7 } },
    ];
    const sentence = (primary?: string) => verdictSentence(runOf(single, measured, { primary }));
    assert.equal(sentence("return"), "clair judges no clients; return 0.900 against 0.700 (mean).");
    assert.match(sentence("accuracy"), /; benign accuracy 0\.500 against 0\.400 \(mean\)\.$/);
    assert.match(sentence(), /; benign loss 1\.00 against 1\.00 \(mean\)\.$/);
  });

  it("compares the same clients in all arms, and reports that others are left out", () => {
    const lost = [
      recordOf(
        "clair",
        1,
        clientOf("c00", null, undefined, 0.9),
        clientOf("c01", null, undefined, 0.5),
      ),
      recordOf("mean", 1, lostClient("c00"), clientOf("c01", null, undefined, 0.4)),
    ];
    assert.equal(
      verdictSentence(runOf(single, lost, { primary: "accuracy" })),
      "clair judges no clients; benign accuracy 0.500 against 0.400 (mean), over the 1 client measured in every arm " +
        "(clair 2, mean 1); 1 of 4 client rounds were lost, over all arms.",
    );
  });

  it("does not count contaminated clients that were never judged as flagged", () => {
    const failed: ClientRecord = { ...lostClient("c01", "LATE"), attack: "flip" };
    const rounds = [recordOf("clair", 1, failed, clientOf("c02", "flip", "contaminated"))];
    assert.equal(
      verdictSentence(runOf(single, rounds)),
      "clair flagged 1 of 1 judged contaminated clients in the only round, with no false alarm; " +
        "1 answer of its clients failed; " +
        "1 of 2 client rounds were lost, 1 of a contaminated client, over all arms.",
    );
  });

  it("estimates how many contaminated clients never took part if few clients are followed", () => {
    const attacks = new Map(["c00", "c01", "c02", "c04"].map((id) => [id, "flip"]));
    const rounds = [recordOf("clair", 1, clientOf("c00", "flip"), clientOf("c01", "flip"))];
    const run = runOf(single, rounds, { attacks });
    assert.match(verdictSentence(run), /; 2 contaminated clients never took part/);
    const followed = new Map([...run.clients].filter(([id]) => id === "c00"));
    const spaced = { ...run, clients: followed, spacing: { drawn: 2, clients: 2 } };
    assert.match(verdictSentence(spaced), /; about 4 contaminated clients never took part/);
  });

  it("names attacks of which no update arrived, until one does", () => {
    const failed = (id: string, attack: string): ClientRecord => ({
      ...lostClient(id, "CLIENT_ERROR"),
      attack,
    });
    const first = recordOf("clair", 1, failed("c01", "flip"), failed("c02", "noise"));
    const second = recordOf("clair", 2, clientOf("c01", "flip"), failed("c02", "noise"));
    assert.match(
      verdictSentence(runOf(single, [first])),
      /; no client of flip sent a usable update \(c01, round 1: no word\), no client of noise sent/,
    );
    const { failedAttacks } = runOf(single, [first, second]).summary;
    assert.deepEqual(failedAttacks, { noise: "c02, round 1: no word" });
    const recovered = recordOf("clair", 3, failed("c01", "flip"), clientOf("c02", "noise"));
    assert.equal(runOf(single, [first, second, recovered]).summary.failedAttacks, undefined);
  });

  it("distinguishes clean data from flagged clients", () => {
    const calm = [recordOf("clair", 1, clientOf("c00", null, "benign"))];
    assert.match(verdictSentence(runOf(single, calm)), /flagged nobody, and none/);
    const alarmed = [recordOf("clair", 1, clientOf("c00", null, "contaminated"))];
    assert.match(verdictSentence(runOf(single, alarmed)), /raised 1 false alarm in the/);
  });

  it("says what benign verdicts of the last round exclude", () => {
    const recordWith = (cleared: string[], verdict: "benign" | "contaminated") =>
      runOf(single, [{ ...recordOf("clair", 1, clientOf("c00", null, verdict)), cleared }]);
    assert.match(
      verdictSentence(recordWith(["boosted", "noise"], "benign")),
      /; benign in the last round means cleared of boosted and noise\./,
    );
    assert.doesNotMatch(verdictSentence(recordWith([], "benign")), /cleared/);
    assert.doesNotMatch(verdictSentence(recordWith(["boosted"], "contaminated")), /cleared/);
  });

  it("reports undecided clients, and flagged clients of unknown truth", () => {
    const open = [
      recordOf("clair", 1, undecided(clientOf("c00", null)), undecided(clientOf("c01", "flip"))),
    ];
    assert.equal(
      verdictSentence(runOf(single, open)),
      "clair flagged 0 of 1 contaminated clients in the only round, with no false alarm; " +
        "undecided about 2 clients in the last round (too few clients).",
    );
    const strangers = [
      recordOf(
        "clair",
        1,
        external(clientOf("c00", null, "contaminated")),
        external(clientOf("c01", null, "benign", 0.5)),
      ),
    ];
    assert.equal(
      verdictSentence(runOf(single, strangers, { primary: "accuracy" })),
      "clair flagged 1 of 2 clients of unknown truth in the last round; clients' accuracy 0.500.",
    );
    const run = runOf(single, strangers, { unknown: new Set(["c00", "c01", "c02"]) });
    assert.match(plain(outcomeText(run)), /^clients not known to be contaminated, last round +n/m);
    assert.doesNotMatch(plain(outcomeText(run)), /benign clients/);
    const truths = clientRows(run).map(({ clientId, truth }) => [clientId, truth]);
    assert.deepEqual(truths.at(-1), ["c02", "unknown"], "which was never sampled");
    const lost = runOf(single, [recordOf("clair", 1, external(lostClient("c00")))]);
    const [fault] = listRunFaults(lost.trial, lost.summary);
    assert.match(fault?.message ?? "", /^1 of 1 client rounds were lost/);
  });

  it("compares personal and shared models on data common to all, too", () => {
    const measured = (arm: string, accuracy: number, uniform: number) => {
      const client = clientOf("c00", null, "benign", accuracy);
      return recordOf(arm, 1, { ...client, evaluation: { accuracy, uniform } });
    };
    const info = { better: "higher", description: "share" } as const;
    const run = runOf(single, [measured("clair", 0.826, 0.366), measured("mean", 0.676, 0.637)], {
      primary: "accuracy",
      metrics: { accuracy: { ...info, onSharedData: "uniform" }, uniform: info },
    });
    const own = "benign accuracy 0.826 against 0.676 (mean)";
    assert.ok(verdictSentence(run).endsWith(`${own}.`), "both have shared models");
    const mixed = { ...run, summary: { ...run.summary, personal: ["clair"] } };
    assert.ok(
      verdictSentence(mixed).endsWith(
        `${own}; on data common to all, where personal and shared models compare: uniform 0.366 against 0.637 (mean).`,
      ),
      verdictSentence(mixed),
    );
  });

  it("distinguishes a run that was stopped from an arm that could not go on", () => {
    const some = two.slice(0, 1);
    assert.match(
      verdictSentence(runOf(trial, some, {}, false)),
      /^Stopped after 1 of 2 rounds: clair flagged 0 of 1/,
    );
    assert.equal(
      verdictSentence(runOf(trial, [], {}, false)),
      "Stopped before the end of the first round.",
    );
    // A run that its task ends early is complete.
    assert.match(verdictSentence(runOf(trial, some)), /^clair flagged 0 of 1/);
    const failed = [...some, { ...recordOf("clair", 2), stopped: "it broke" }];
    assert.match(
      verdictSentence(runOf(trial, failed)),
      /^clair stopped after 1 of 2 rounds\. Until then clair flagged 0 of 1 .* in the only round/,
    );
  });

  it("reports the baselines' results and once why the main arm stopped", () => {
    const failed = { ...recordOf("clair", 1), stopped: "it broke" };
    const baseline = [1, 2].map((round) =>
      recordOf("mean", round, clientOf("c00", null, undefined, 0.25)),
    );
    const clients = runOf(trial, [failed, ...baseline], { primary: "accuracy" });
    assert.equal(
      verdictSentence(clients),
      "clair stopped after 0 of 2 rounds. Baselines: benign accuracy 0.250 (mean).",
    );
    const text = plain(outcomeText(clients));
    assert.match(
      text,
      /^clair +— +— +—\nmean +1 .*0\.25.*\nclair could not go on: round 1: it broke$/m,
    );
    assert.equal(text.split("it broke").length, 2, text);
    const measured = [1, 2].map((round) => ({
      ...recordOf("mean", round, clientOf("c00", null)),
      metrics: { return: 0.7 },
    }));
    assert.equal(
      verdictSentence(runOf(trial, [failed, ...measured], { primary: "return" })),
      "clair stopped after 0 of 2 rounds. Baselines: return 0.700 (mean).",
    );
  });
});

describe("verdictCard", () => {
  const metrics = { accuracy: { better: "higher" as const, description: "share" } };
  const told = { primary: "accuracy", metrics };
  const rounds = (
    own: number,
    theirs: number,
    verdict: ClientRecord["verdict"] = "contaminated",
  ) => [
    recordOf("clair", 1, clientOf("c00", null, "benign", own), {
      ...clientOf("c01", "flip", verdict),
    }),
    recordOf("mean", 1, clientOf("c00", null, undefined, theirs)),
  ];

  it("counts the flagged and the false alarms, and compares with the baselines", () => {
    assert.deepEqual(verdictCard(runOf(single, rounds(0.75, 0.5), told)), {
      tone: "good",
      parts: [
        "1 of 1 contaminated flagged",
        "0 of 1 false alarm",
        "accuracy 0.750 (+0.250 over mean)",
      ],
      who: ["flagged: c01"],
    });
  });

  it("names who was flagged, by mistake too, and who was missed; at most ten each", () => {
    const list = (group: number, attack: string | null, verdict: ClientRecord["verdict"]) =>
      Array.from({ length: 12 }, (_, i) => clientOf(`c${group}${i + 10}`, attack, verdict));
    const clients = [
      ...list(1, "flip", "contaminated"),
      ...list(2, null, "contaminated").slice(0, 1),
      ...list(3, "flip", "benign").slice(0, 2),
      ...list(4, null, "undecided"),
    ];
    const label = (id: string) => (id === "c111" ? "Lincoln" : "");
    const run = runOf(single, [recordOf("clair", 1, ...clients.toReversed())], { label });
    const lines = [
      "flagged: c110, Lincoln, c112, c113, c114, c115, c116, c117, c118, c119 and 2 more",
      "flagged by mistake: c210",
      "missed: c310, c311",
    ];
    assert.deepEqual(verdictCard(run).who, lines);
    assert.match(plain(outcomeText(run)), new RegExp(`flagged · .*\n${lines.join("\n")}\n`));
  });

  it("has the tone of its worst part", () => {
    const toneOf = (records: ReturnType<typeof rounds>, changes: Partial<Trial> = {}) =>
      verdictCard(runOf({ ...single, ...changes }, records, told)).tone;
    assert.equal(toneOf(rounds(0.5, 0.75)), "bad", "the baseline serves clients better");
    assert.equal(toneOf(rounds(0.75, 0.5, "benign")), "bad", "one is missed");
    assert.equal(toneOf(rounds(0.75, 0.5, "undecided")), "open");
    const alarm = [recordOf("clair", 1, clientOf("c00", null, "contaminated"))];
    assert.equal(toneOf(alarm), "bad");
    const unjudged = [recordOf("clair", 1, clientOf("c00", null, undefined, 0.5))];
    assert.equal(toneOf(unjudged), "plain", "nothing is judged or compared");
    const unfinished = runOf(single, rounds(0.75, 0.5), told, false);
    assert.equal(verdictCard(unfinished).tone, "open");
    const stopped = [...rounds(0.75, 0.5), { ...recordOf("clair", 2), stopped: "it broke" }];
    assert.equal(toneOf(stopped), "bad");
  });

  it("says the same of verdicts from the summary alone", () => {
    const verdicts = ["contaminated", "benign", "undecided"] as const;
    const runs = [
      ...verdicts.map((verdict) => runOf(single, rounds(0.75, 0.5, verdict))),
      runOf(single, [recordOf("clair", 1, clientOf("c00", null, "contaminated"))]),
      runOf({ ...single, clients: 2 }, rounds(0.75, 0.5)),
      runOf({ ...single, rounds: 2 }, two),
    ];
    for (const run of runs) {
      const verdicts = verdictCard(run).parts.filter((part) => !/^(loss|accuracy) /.test(part));
      assert.deepEqual(summaryCard(run.trial, run.summary).parts, verdicts);
    }
    const tones = runs.map((run) => summaryCard(run.trial, run.summary).tone);
    assert.deepEqual(tones, ["good", "bad", "open", "bad", "bad", "bad"]);
  });

  it("is not to be trusted if no rule can judge the clients", () => {
    const attacks = new Map(["c00", "c01"].map((id) => [id, "flip"]));
    const card = verdictCard(runOf(single, rounds(0.75, 0.5), { ...told, attacks }));
    assert.equal(card.tone, "bad");
    assert.equal(card.parts[0], "not to be trusted: more than half contaminated");
    const two = verdictCard(runOf({ ...single, clients: 2 }, rounds(0.75, 0.5), told));
    assert.deepEqual([two.tone, two.parts[0]], ["bad", "not to be trusted: two clients"]);
  });

  it("says that a result is no better than guessing, and the table shows what that reaches", () => {
    const run = runOf(single, rounds(0.75, 0.5), told);
    const guessed = { ...run, summary: { ...run.summary, guessing: { accuracy: 0.75 } } };
    const { tone, parts } = verdictCard(guessed);
    assert.deepEqual([tone, parts.at(-1)], ["bad", "no better than guessing"]);
    assert.match(plain(outcomeText(guessed)), /^guessing +0\.750$/m);
    assert.doesNotMatch(plain(outcomeText(run)), /guessing/);
  });

  it("leaves out a baseline that knows who is benign", () => {
    const baselines = [
      { label: "mean", aggregator: { name: "fedavg" }, clients: "benign" as const },
    ];
    const card = verdictCard(runOf({ ...single, baselines }, rounds(0.5, 0.75), told));
    assert.equal(card.tone, "good");
    assert.equal(card.parts.at(-1), "accuracy 0.500");
  });

  it("says how many times an error is lower, and how far a share is higher", () => {
    assert.equal(compareMeans(0.5, 2.6, "lower"), "5.2 times lower than");
    assert.equal(compareMeans(2.6, 0.5, "lower"), "5.2 times higher than");
    assert.deepEqual([isBetter(0.9999, 1, "lower"), isBetter(0.9, 1, "lower")], [false, true]);
    assert.equal(compareMeans(1, 1, "lower"), "the same as");
    assert.equal(compareMeans(-1, 1, "lower"), "2 under");
    assert.equal(compareMeans(0.8, 0.75, "higher"), "+0.050 over");
    assert.equal(compareMeans(0.7, 0.75, undefined), "0.050 under");
  });
});

describe("compareArms", () => {
  it("averages over the clients that measured a metric in every arm", () => {
    const run = runOf(single, [
      recordOf(
        "clair",
        1,
        clientOf("c00", null, undefined, 0.9),
        clientOf("c01", null, undefined, 0.5),
      ),
      recordOf("mean", 1, lostClient("c00"), clientOf("c01", null, undefined, 0.4)),
    ]);
    const { rows, clientsDiffer } = compareArms(run, 9);
    assert.ok(clientsDiffer);
    assert.deepEqual(
      rows.map(({ measured, means }) => [measured, means.get("accuracy")]),
      [
        [2, { mean: 0.5, n: 1 }],
        [1, { mean: 0.4, n: 1 }],
      ],
    );
    const text = plain(outcomeText(run));
    assert.match(text, /^clair +1 of 2 +1 +0\.5$/m);
    assert.match(text, /^n differs: means are over the clients measured in every arm$/m);
  });

  it("shows the metrics that the task describes first, up to the limit", () => {
    const evaluation = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`m${i}`, i]));
    const client = {
      ...clientOf("c00", null),
      evaluation: { ...evaluation, accuracy: 0.5, constructor: 1 },
    };
    const metrics = { loss: { description: "" }, accuracy: { description: "" } };
    const { metrics: shown, hidden } = compareArms(
      runOf(single, [recordOf("clair", 1, client)], { metrics, primary: "m7" }),
      3,
    );
    assert.deepEqual(shown, ["m7", "accuracy", "m0"]);
    assert.equal(hidden, 99_999);
  });

  it("leaves out an arm that is behind or has stopped", () => {
    const client = clientOf("c00", null, undefined, 0.5);
    const records = [
      recordOf("clair", 1, client),
      recordOf("clair", 2, client),
      recordOf("mean", 1, client),
    ];
    assert.deepEqual(
      compareArms(runOf(trial, records), 9).rows.map(({ measured }) => measured),
      [1, undefined],
    );
    const stopped = [...records, { ...recordOf("mean", 2), stopped: "it broke" }];
    assert.deepEqual(
      compareArms(runOf(trial, stopped), 9).rows.map(({ measured }) => measured),
      [1, undefined],
    );
    const main = [{ ...recordOf("clair", 1), stopped: "it broke" }, recordOf("mean", 1, client)];
    assert.deepEqual(
      compareArms(runOf(trial, main), 9).rows.map(({ measured }) => measured),
      [undefined, 1],
    );
  });
});

describe("outcomeText", () => {
  const judged = [
    recordOf(
      "clair",
      1,
      { ...clientOf("c00", "flip", "contaminated"), reason: "is large and turned round" },
      ...["c01", "c02", "c03"].map((id) => clientOf(id, null, "benign")),
    ),
  ];
  const many = runOf({ ...single, clients: 4 }, judged);

  it("lists the clients to look at, and sums up the others", () => {
    const text = plain(outcomeText(many));
    assert.match(text, /^c00 +flip +contaminated +2 +3 +1\/1 +is large and turned round$/m);
    assert.doesNotMatch(text, /^c01/m);
    assert.match(text, /^… 3 benign with scores of 2 to 2$/m);
  });

  it("wraps at spaces to the width of the terminal, reasons on lines of their own", () => {
    const lines = plain(outcomeText(many, { width: 54, wrap: wrapAnsi })).split("\n");
    assert.match(lines[1] ?? "", /^c00 +flip +contaminated +2 +3 +1\/1$/);
    assert.equal(lines[2], "    is large and turned round");
    assert.ok(lines.some((line) => line.startsWith("clair flagged 1 of 1")));
    assert.ok(
      lines.every((line) => line.length <= 54 || !line.includes("flagged 1")),
      String(lines),
    );
  });

  it("prints what TensorFlow.js ran on, or another backend, with the reason if it is known", () => {
    const run = runOf(single, [recordOf("clair", 1, clientOf("c00", null))]);
    const last = (backend: string, backendReason?: string) =>
      outcomeText({
        ...run,
        summary: { ...run.summary, backend },
        ...(backendReason !== undefined && { backendReason }),
      })
        .trimEnd()
        .split("\n")
        .at(-1);
    assert.equal(last("wasm"), "backend for TensorFlow.js: wasm");
    assert.equal(last("wasm", "as asked for"), "backend for TensorFlow.js: wasm; as asked for");
    assert.equal(last("wasm and python-numpy"), "backend of the clients: wasm and python-numpy");
  });

  it("prints the releases of hosts that differ from the coordinator's", () => {
    const run = runOf(single, [recordOf("clair", 1, clientOf("c00", null))]);
    const summary = { ...run.summary, backend: "wasm", otherReleases: ["0.9.0", "1.0.0"] };
    assert.match(
      outcomeText({ ...run, summary }),
      /: wasm; hosts of other releases took part, so the numbers may not repeat: 0\.9\.0, 1\.0\.0\n$/,
    );
  });

  it("says why an arm's clients could not be measured", () => {
    const fault = { code: "CLIENT_ERROR" as const, message: "model() returned undefined" };
    const records = [
      recordOf("clair", 1, clientOf("c00", null, "benign", 0.5)),
      recordOf("mean", 1, { ...clientOf("c00", null), evaluationFailure: fault }),
    ];
    const text = plain(outcomeText(runOf(single, records)));
    assert.match(text, /^mean: c00 was not measured: model\(\) returned undefined$/m);
  });

  it("names the module in which a client differs most, after the reason", () => {
    const modules = [
      { module: "output", ratio: 2.33 },
      { module: "hidden", ratio: 1.6 },
    ];
    const client = { ...undecided(clientOf("c00", null)), modules };
    const text = outcomeText(runOf(single, [recordOf("clair", 1, client)]));
    assert.match(
      plain(text),
      /too few clients; farthest in output \(2\.33 × the usual distance\)\n/,
    );
  });

  it("escapes control characters that come from a record", () => {
    const evil = "\u001b[31mred\nforged line";
    const client = {
      ...clientOf("c00", evil, "benign"),
      reason: evil,
      modules: [{ module: evil, ratio: 2 }],
      evaluation: { [evil]: 1 },
    };
    const measured = { ...clientOf("c01", null), evaluation: { [evil]: 1 } };
    const run = runOf(single, [recordOf("clair", 1, client, measured)], { label: () => evil });
    const text = outcomeText({
      ...run,
      backendReason: evil,
      summary: { ...run.summary, backend: evil, stopped: { mean: evil } },
    });
    assert.doesNotMatch(plain(text), /\u001b|^forged line/m);
    assert.match(text, /\\u\{1b\}\[31mred\\nforged line/);
  });
});

describe("columns", () => {
  it("pads by visible width and ignores colour codes", () => {
    const text = columns(
      [
        ["name", "n"],
        ["\u001b[31mlong one\u001b[39m", "10"],
        ["b", "7"],
      ],
      ["left", "right"],
    );
    assert.deepEqual(plain(text).split("\n"), ["name       n", "long one  10", "b          7"]);
    const narrow = columns(
      [
        ["name", "n"],
        ["long one", "10"],
      ],
      ["left", "right"],
      11,
    );
    assert.deepEqual(plain(narrow).split("\n"), ["name", "     n", "long one", "    10"]);
  });
});
