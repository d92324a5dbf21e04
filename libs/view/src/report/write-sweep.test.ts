import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTrialSource } from "@fedclair/core/internal";
import { toyPlugins } from "@fedclair/core/testing";
import {
  computeResults,
  formatNumber,
  openSweepFolder,
  parseSweep,
  runSweep,
  runSweepTrial,
  type Grid,
  type RunTrial,
  type Summary,
  type SweepResults,
} from "@fedclair/runs";
import { listTrials } from "../data/heat-tables.js";
import { sweepAnswer } from "./sweep-sections.js";
import { linkTo, writeSweep } from "./write-sweep.js";

const file = `
name: grid
rounds: 1
clients: 4
task: { name: toy }
aggregator: { name: toy-mean }
attacks:
  - []
  - [{ attack: { name: toy-shift }, count: 1 }]
sweep:
  rows: attacks
  measures: [{ measure: distance.toy-mean, worse: high }]
`;

describe("writeSweep", () => {
  let out: string;
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), "sweep-"));
  });
  afterEach(() => rm(out, { recursive: true }));

  it("writes a table, a page and a figure per measure, and follows no links", async () => {
    const parsed = parseSweep(readTrialSource(file, "s.yaml"), toyPlugins);
    const sweep = await openSweepFolder(out, parsed, { file: "/s.yaml", set: [] });
    const { signal } = new AbortController();
    const summaries = new Map<string, Summary>();
    const run: RunTrial = (trial) =>
      runSweepTrial(trial, out, signal, { name: "cpu", why: "for a test" });
    for await (const { trial, outcome } of runSweep(sweep, { run, jobs: 1 })) {
      assert.ok(!("failed" in outcome));
      summaries.set(trial.id, outcome);
    }
    if (process.platform !== "win32") {
      await writeFile(join(out, "mine"), "");
      for (const name of ["table.csv", "report.html"]) await symlink("mine", join(out, name));
    }
    await writeSweep(out, sweep, computeResults(sweep, summaries));
    assert.deepEqual((await readdir(join(out, "figures"))).sort(), [
      "distance-toy-mean.csv",
      "distance-toy-mean.png",
      "distance-toy-mean.svg",
      "distance-toy-mean.vl.json",
    ]);
    if (process.platform !== "win32")
      assert.equal(await readFile(join(out, "mine"), "utf8"), "", "no link is followed");
    const csv = await readFile(join(out, "table.csv"), "utf8");
    assert.match(
      csv,
      /^measure,facet,row,column,mean,low,high,min,max,seeds,hits,of,shareLow,shareHigh\ndistance\.toy-mean,,none,/,
    );
    const page = (await readFile(join(out, "report.html"), "utf8")).replace(/\s+/g, " ");
    assert.match(page, /<td class="text">none<\/td>/);
    for (const [i, { id, folder }] of sweep.trials.entries()) {
      const value = summaries.get(id)?.measures["distance.toy-mean"] ?? NaN;
      const cell = formatNumber(value).replace(".", "\\.");
      const row = `>${cell}</td> *<td class="text"><span id="run-${i}" ><span id="runs-${i}" ><code data-run="${folder}">${folder}</code>`;
      assert.match(page, new RegExp(row));
    }
  });

  it("says what matters first, and folds the findings of more than six studies", () => {
    const places = ["a", "b", "c", "d", "e", "f", "g"];
    const results = (count: number): SweepResults => ({
      name: "grid",
      trials: 7,
      finished: 7,
      seeds: [1],
      tables: [],
      verdicts: [
        {
          place: "a",
          contaminated: { flagged: 3, undecided: 1, of: 5 },
          honest: { flagged: 0, undecided: 0, of: 20 },
        },
      ],
      notes: [],
      best: [],
      differences: [],
      highlights: [{ topic: "Best", texts: ["accuracy: a with 1."] }],
      findings: places.slice(0, count).map((place) => ({ place, texts: ["flagged 1 of 2"] })),
    });
    const linkOf = (place: string) => (place === "g" ? undefined : `#run-${places.indexOf(place)}`);
    const [few = "", many = ""] = [6, 7].map((count) =>
      sweepAnswer(results(count), linkOf).text.replace(/\s+/g, " "),
    );
    for (const text of [few, many]) {
      assert.match(
        text,
        /^<p class="verdict bad">3 of 5 contaminated flagged · some called benign · 0 of 20 false alarms · 1 undecided<\/p> <dl class="answer"> <dt>Best<\/dt> <dd>accuracy: a with 1\./,
      );
      assert.match(text, /<li><a href="#run-1">b<\/a>: flagged 1 of 2\.<\/li>/);
    }
    assert.doesNotMatch(few, /<details>/);
    assert.match(many, /<details> <summary>What each of the 7 studies found<\/summary>/);
    assert.match(many, /<li><b>g<\/b>: flagged 1 of 2\.<\/li>/);
  });

  it("leads from a cell to the report of its run, else to its row", () => {
    const at = (rank: string, seed: string) =>
      new Map([
        ["rank", rank],
        ["seed", seed],
      ]);
    const trial = (rank: string, seed: number) => ({
      id: `${rank} ${seed}`,
      folder: `rank-${rank}-seed-${seed}`,
      seed,
      at: at(rank, String(seed)),
      arms: [],
      measures: {},
    });
    const rows = { path: "rank", labels: ["1", "2", "3"] };
    const grid: Grid = {
      name: "grid",
      claim: undefined,
      dimensions: [rows],
      rows,
      columns: undefined,
      measures: [],
      trials: [trial("1", 1), trial("2", 1), trial("2", 2), trial("3", 1)],
    };
    const hasReport = (folder: string) => folder === "rank-3-seed-1";
    assert.deepEqual(
      ["1", "2", "3", "4"].map((row) => linkTo(grid, listTrials(grid, "", row, ""), hasReport)),
      ["#run-0", "#runs-1", "rank-3-seed-1/report.html", undefined],
    );
  });

  it("leads from a cell of a panel whose name has a comma to its run", () => {
    const parts = { path: "partition", labels: ["by iid", "by dirichlet, alpha 0.1"] };
    const rows = { path: "rank", labels: ["1"] };
    const grid: Grid = {
      name: "grid",
      claim: undefined,
      dimensions: [parts, rows],
      rows,
      columns: undefined,
      measures: [],
      trials: parts.labels.map((label, i) => ({
        id: label,
        folder: `run-${i}`,
        seed: 1,
        at: new Map([
          ["partition", label],
          ["rank", "1"],
        ]),
        arms: [],
        measures: {},
      })),
    };
    const listOf = (label: string) => listTrials(grid, `partition = ${label}`, "1", "");
    assert.deepEqual(
      parts.labels.map((label) => linkTo(grid, listOf(label), () => false)),
      ["#run-0", "#run-1"],
    );
  });
});
