import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { mock } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { toyTrial } from "@fedclair/core/testing";
import { Progress, formatRound } from "./progress.js";

describe("formatRound", () => {
  it("formats a round in one line", () => {
    const verdict = { verdict: "contaminated" as const, score: 3, threshold: 2 };
    const ids = Array.from({ length: 10 }, (_, i) => `c0${i}`);
    const record = {
      round: 2,
      phase: "train",
      clients: [
        ...ids.map((clientId) => ({
          clientId,
          attack: "flip",
          failure: null,
          ...verdict,
          train: { loss: 9 },
        })),
        { clientId: "c10", attack: null, failure: null, train: { loss: 0.25 } },
        { clientId: "c11", attack: null, failure: { code: "LATE" as const, message: "" } },
      ],
      metrics: {},
      bytes: { down: 0, up: 0 },
    };
    const arm = { label: "clair", choice: { name: "clair" }, benignOnly: false };
    assert.equal(formatRound(arm, { ...record, clients: [] }), "clair round 2");
    assert.equal(
      formatRound(arm, record),
      "clair round 2: training loss 0.250 · flagged c00 c01 c02 c03 c04 c05 c06 c07 +2 · 1 failed",
    );
    const [, ...others] = record.clients;
    const measured = {
      clientId: "c12",
      attack: null,
      failure: null,
      evaluation: { accuracy: 0.5 },
    };
    const clients = [...others.slice(0, 1), measured];
    assert.equal(
      formatRound(arm, { ...record, clients }, "accuracy"),
      "clair round 2: accuracy 0.500 · flagged c01",
    );
    assert.equal(
      formatRound(arm, { ...record, clients: [], metrics: { w2: 0.25 } }, "w2"),
      "clair round 2: w2 0.250",
    );
  });
});

describe("Progress", () => {
  it("reports what a trial waits for after a long wait", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const lines: string[] = [];
    const terminal = { isTTY: false, write: (line: string) => lines.push(line) };
    const progress = new Progress(toyTrial(), undefined, terminal as unknown as NodeJS.WriteStream);
    const arm = { label: "clair", choice: { name: "clair" }, benignOnly: false };
    const happens = (...events: object[]) => {
      for (const event of events) progress.event({ arm, event } as never);
      mock.timers.tick(30_000);
    };
    const answered = { kind: "answered" };
    happens();
    happens({ kind: "sampled", round: 3, cohort: ["c0", "c1"] }, answered);
    happens(answered);
    happens({ kind: "aggregated", round: 3 }, answered);
    progress.stop();
    mock.timers.reset();
    const what = ["training", "aggregating", "measuring"].map((step) => `clair round 3, ${step}`);
    assert.deepEqual(
      lines,
      ["clients and data", ...what].map((one) => `${one}: nothing for 30 s, still waiting\n`),
    );
  });

  it("prints a line per round elsewhere, and before the first how many will come", () => {
    const lines: string[] = [];
    const terminal = { isTTY: false, write: (line: string) => lines.push(line) };
    const progress = new Progress(
      toyTrial({ rounds: 3 }),
      undefined,
      terminal as unknown as NodeJS.WriteStream,
    );
    progress.skip(1);
    const arm = { label: "clair", choice: { name: "clair" }, benignOnly: false };
    for (const round of [2, 3]) {
      const sampled = { kind: "sampled", round, cohort: [] };
      const done = { kind: "round", record: { round, clients: [], metrics: {} } };
      for (const event of [sampled, done]) progress.event({ arm, event } as never);
    }
    progress.stop();
    assert.deepEqual(lines, ["3 rounds in all\n", "clair round 2\n", "clair round 3\n"]);
  });

  it("estimates the time left from the arm that runs", () => {
    mock.timers.enable({ apis: ["setTimeout", "Date"] });
    mock.method(performance, "now", () => Date.now());
    const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
    const baselines = [{ label: "local", aggregator: { name: "toy-mean" } }];
    const trial = toyTrial({ rounds: 3, baselines });
    const progress = new Progress(trial, undefined, terminal as unknown as NodeJS.WriteStream);
    for (const [label, seconds] of [
      ["clair", 50],
      ["local", 2],
    ] as const)
      for (const round of [1, 2, 3]) {
        const arm = { label, choice: { name: "fedavg" }, benignOnly: false };
        progress.event({ arm, event: { kind: "sampled", round, cohort: [] } } as never);
        mock.timers.tick(1000 * seconds);
        const done = { kind: "round", record: { round, clients: [], metrics: {} } };
        progress.event({ arm, event: done } as never);
      }
    progress.stop();
    mock.timers.reset();
    mock.restoreAll();
    const found = [...String(terminal.read()).matchAll(/ (\d)\/6 rounds, (\d+ \w+) left/g)];
    const left = new Map(found.map(([, done, time]) => [done, time]));
    assert.deepEqual([left.get("3"), left.get("4"), left.get("5")], ["3 min", "4 s", "2 s"]);
  });

  it("moves within a round on a terminal, and keeps the last line of each arm", () => {
    mock.timers.enable({ apis: ["setTimeout", "Date"] });
    const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
    const trial = toyTrial({ rounds: 2 });
    const progress = new Progress(trial, "accuracy", terminal as unknown as NodeJS.WriteStream);
    const arm = { label: "clair", choice: { name: "clair" }, benignOnly: false };
    const happens = (event: object) => {
      mock.timers.tick(1000); // the bar is redrawn at most ten times a second
      progress.event({ arm, event } as never);
    };
    progress.notice("look out");
    for (const round of [1, 2]) {
      happens({ kind: "sampled", round, cohort: ["c0", "c1"] });
      happens({ kind: "answered" });
      const clients = [{ clientId: "c0", attack: null, evaluation: { accuracy: round / 4 } }];
      happens({ kind: "round", record: { round, clients, metrics: {} } });
    }
    progress.stop();
    mock.timers.reset();
    const written = String(terminal.read());
    // The bar is cleared before a notice, which may be longer than a line.
    assert.ok(written.includes("\u001b[2Klook out\n"), written);
    const text = stripVTControlCharacters(written);
    assert.match(text, /█{5}░{19} 0\/2 rounds · clair round 1: 1 of 2 clients have answered/);
    assert.match(text, /1\/2 rounds, \d+ s left · clair round 2: 1 of 2 clients have answered/);
    // A line of its own; the first round has none.
    assert.match(text, /clair round 2: accuracy 0\.500\n/);
    assert.doesNotMatch(text, /clair round 1: accuracy 0\.250\n/);
    assert.match(text, /2\/2 rounds · clair round 2: accuracy 0\.500\n$/);
  });
});
