import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Aggregator, Plugin, Plugins, TaskPlugin } from "@fedclair/core";
import { exitCodes, readTrialSource } from "@fedclair/core/internal";
import { toyPlugins } from "@fedclair/core/testing";
import { z } from "zod";
import { breakForeignLock } from "../store/lock.js";
import type { Summary } from "../measures/summary.js";
import { isSweep } from "../trial/read-trial-file.js";
import {
  assignFolders,
  computeResults,
  missingMeasures,
  parseSweep,
  checkMeasures,
  findFinished,
  openSweepFolder,
  readStoredSweep,
  runSweep,
  runSweepTrial,
  sweepText,
  type FinishedTrial,
  type RunTrial,
  type Sweep,
} from "./index.js";

const file = `
name: grid
claim: Numbers.
seed: [1, 2]
rounds: 1
clients: 4
task: { name: toy, faults: [{}, { "0": throw, "1": throw, "2": throw }] }
aggregator: { name: toy-mean }
attacks:
  - []
  - [{ attack: { name: toy-shift }, count: 1 }]
sweep:
  rows: attacks
  measures: [{ measure: distance.toy-mean, worse: high }]
`;
const parse = (text = file, overrides: readonly string[] = [], plugins: Plugins = toyPlugins) =>
  parseSweep(readTrialSource(text, "s.yaml", overrides), plugins);

describe("a sweep", () => {
  let out: string;
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), "sweep-"));
  });
  afterEach(() => rm(out, { recursive: true }));

  const run = async (sweep = parse(), signal = new AbortController().signal, backend = "cpu") => {
    return await runOf(sweep, signal, backend);
  };
  const runWith = async (plugins: Plugins) => await runOf(parse(file, [], plugins));
  const runOf = async (
    sweep: Sweep,
    signal = new AbortController().signal,
    backend = "cpu",
    jobs = 1,
  ) => {
    const done: FinishedTrial[] = [];
    const trial: RunTrial = (one) =>
      runSweepTrial(one, out, signal, { name: backend, why: "for a test" });
    const placed = await openSweepFolder(out, sweep, { file: "/s.yaml", set: [] });
    for await (const one of runSweep(placed, { run: trial, jobs })) done.push(one);
    return done;
  };
  const summaries = (done: readonly FinishedTrial[]) =>
    new Map(
      done.flatMap(({ trial, outcome }): [string, Summary][] =>
        "failed" in outcome ? [] : [[trial.id, outcome]],
      ),
    );

  it("identifies trials by everything that their numbers depend on", () => {
    const ids = (text: string) => parse(text).trials.map(({ id }) => id);
    const first = ids(file);
    assert.equal(new Set(first).size, 8);
    assert.deepEqual(ids(file.replace("grid", "other").replace("Numbers", "Words")), first);
    // One more seed adds trials and does not rename the others.
    assert.deepEqual(ids(file.replace("[1, 2]", "[1, 2, 3]")).slice(0, 8), first);
    assert.notDeepEqual(ids(file.replace("rounds: 1", "rounds: 2")), first);
  });

  it("derives the worse end from the measures' descriptions unless the file sets it", async () => {
    const task: TaskPlugin = {
      ...(toyPlugins.tasks.get("toy") ?? assert.fail("no toy")),
      metrics: { distance: { better: "lower", description: "from the client's number" } },
    };
    const plugins = { ...toyPlugins, tasks: new Map([["toy", task]]) };
    const measures = [
      "distance.toy-mean",
      "bytes.up",
      "clients.lost",
      "detection.recall",
      "{ measure: distance.toy-mean, worse: low }",
      "accuracy.toy-mean",
    ];
    const text = file.replace(/measures: .*/, `measures: [${measures.join(", ")}]`);
    const sweep = parse(text, [], plugins);
    const { tables } = computeResults(sweep, summaries(await runOf(sweep)));
    assert.deepEqual(
      tables.map(({ worse }) => worse),
      ["high", "high", "high", undefined, "low", undefined],
    );
    // Without a description of the measure, neither end is worse.
    const plain = parse(text);
    const bare = computeResults(plain, summaries(await run(plain, undefined, "wasm")));
    const undescribed = bare.tables.slice(0, 1);
    assert.equal(undescribed[0]?.worse, undefined);
    assert.deepEqual(undescribed[0]?.worst, []);
    assert.doesNotMatch(sweepText({ ...bare, tables: undescribed }), /worst/);
  });

  it("reports which trials lost clients, even if they were done before", async () => {
    const lossy = parse(file.replace("{}, ", "").replace(/, "1": throw, "2": throw/, ""));
    const codes = async () => (await run(lossy)).map(({ faults }) => faults[0]?.exitCode);
    const { lost } = exitCodes;
    assert.deepEqual(await codes(), [lost, lost, lost, lost]);
    assert.deepEqual(await codes(), [lost, lost, lost, lost]);
    const allowed = file.replace("rounds: 1", "rounds: 1\nlimits: { maxLost: 1 }");
    const ids = (text: string) => parse(text).trials.map(({ id }) => id);
    assert.deepEqual(ids(allowed), ids(file));
  });

  it("skips finished trials, and runs interrupted ones", async () => {
    const first = await run();
    assert.ok(first.every(({ skipped }) => !skipped));
    const again = await run();
    // Failed trials are run again.
    assert.deepEqual(
      again.map(({ skipped }) => skipped),
      first.map(({ outcome }) => !("failed" in outcome)),
    );
    assert.deepEqual(summaries(again), summaries(first));
    const summary = join(out, again[0]?.trial.folder ?? "", "summary.json");
    await writeFile(summary, '{"name":');
    assert.equal((await run())[0]?.skipped, false);
    await rm(summary);
    assert.equal((await run())[0]?.skipped, false);
  });

  it("runs trials again that another backend trained", async () => {
    await run();
    const skipped = (await run(parse(), undefined, "wasm")).map((done) => done.skipped);
    assert.ok(skipped.every((one) => !one));
  });

  it("continues after a trial that fails with any error, and reports its exit code", async () => {
    const breaking: Plugin<Aggregator> = {
      name: "toy-mean",
      summary: "Breaks.",
      schema: z.strictObject({}),
      create: () => ({ aggregate: () => Promise.reject(new TypeError("it broke")) }),
    };
    const outcomes = [];
    const plugins = { ...toyPlugins, aggregators: new Map([["toy-mean", breaking]]) };
    for (const { outcome, faults } of await runWith(plugins)) {
      const [fault] = faults;
      outcomes.push("failed" in outcome ? outcome.exitCode : (fault?.exitCode ?? exitCodes.ok));
    }
    const { stopped, quorum } = exitCodes;
    assert.deepEqual(
      outcomes,
      [0, 1].flatMap(() => [stopped, stopped, quorum, quorum]),
    );
    for (const { skipped } of await runWith(plugins)) assert.equal(skipped, false);
  });

  it("finds finished trials", async () => {
    const sweep = parse();
    const [trial] = sweep.trials;
    assert.ok(trial);
    assert.equal(await findFinished(trial, out, "cpu"), undefined);
    const [ran] = await run(sweep);
    assert.deepEqual(await findFinished(trial, out, "cpu"), { ...ran, skipped: true });
    assert.equal(await findFinished(trial, out, "wasm"), undefined);
  });

  it("runs the trials again whose data were edited", async () => {
    const trace = join(out, "trace.csv");
    const write = (seconds: number) =>
      writeFile(trace, `device,seconds,bytesPerSecond,from,to\na,${seconds},,,\n`);
    const grid = `${file.replace(/faults: .*\]/, "")}devices: { trace: ${trace} }\n`;
    const skipped = async () =>
      (await runOf(parse(grid))).map((finished) => finished.skipped).join(" ");
    await write(1);
    out = join(out, "grid");
    await skipped();
    assert.equal(await skipped(), "true true true true");
    await write(2);
    assert.equal(await skipped(), "false false false false");
    assert.equal(await skipped(), "true true true true");
    out = join(out, "..");
  });

  it("does not use a folder that contains other things", async () => {
    await writeFile(join(out, "report.html"), "mine");
    await assert.rejects(run(), /is not empty and holds no sweep: choose another --out/);
    // of a sweep that was interrupted before its first trial
    await writeFile(join(out, "sweep.json"), "{}");
    await run();
  });

  it("does not wait for a trial that another machine holds", async () => {
    const [first] = parse().trials;
    const folder = join(out, first?.folder ?? "");
    await writeFile(join(out, "sweep.json"), "{}");
    await mkdir(folder);
    const holder = { pid: 1, host: "elsewhere", since: "today" };
    await writeFile(join(folder, "lock"), JSON.stringify(holder));
    const [{ outcome } = assert.fail("no trial")] = await run();
    assert.ok("failed" in outcome);
    assert.match(outcome.failed, /by process 1 on elsewhere .* machines share a sweep by --queue/);
    await breakForeignLock(folder); // as a task of an engine does
    assert.ok(!("failed" in ((await run())[0]?.outcome ?? assert.fail("no trial"))));
  });

  it("is shared by several processes that run it at the same time in one folder", async () => {
    const alone = await run();
    await rm(out, { recursive: true });
    const shared = await Promise.all([run(), run(), runOf(parse(), undefined, "cpu", 3)]);
    for (const done of shared) assert.deepEqual(summaries(done), summaries(alone));
    const isRun = ({ outcome, skipped }: FinishedTrial) => !skipped && !("failed" in outcome);
    const runs = shared.flatMap((done) => done.filter(isRun).map(({ trial }) => trial.id));
    assert.deepEqual(runs.sort(), [...summaries(alone).keys()].sort(), "none was run twice");
  });

  it("rejects a measure that no trial can have before any trial is run", () => {
    const checkAll = ({ measures, trials }: Sweep) => {
      const names = measures.map(({ measure }) => measure);
      checkMeasures(names, trials, "s.yaml: sweep.measures");
    };
    const check = (...measures: string[]) => {
      const text = file.replace(/measures: .*/, `measures: [${measures.join(", ")}]`);
      const task = {
        ...(toyPlugins.tasks.get("toy") ?? assert.fail("no toy")),
        metrics: { distance: { description: "from the client's number" } },
      };
      const plugins = { ...toyPlugins, tasks: new Map([["toy", task]]) };
      checkAll(parse(text, [], plugins));
    };
    check(
      "distance",
      "distance.toy-mean",
      "detection.recall.toy-shift",
      "bytes.up",
      "global.own.toy-mean",
      "refinement.own",
    );
    assert.throws(() => {
      check("bytes.up", "distance.toymean");
    }, /s\.yaml: sweep\.measures: no trial can have distance\.toymean, did you mean 'distance\.toy-mean'\?$/);
    assert.throws(() => {
      check("mods.toy-half.asked");
    }, /no trial can have mods\.toy-half\.asked\n {2}expected some of bytes/);
    const withMod = file.replace(/^task:/m, "mods: [{ name: toy-half }]\ntask:");
    const text = withMod.replace(/measures: .*/, "measures: [mods.toy-half.asked]");
    checkAll(parse(text));
    for (const unknown of ["detection.recal", "distance.gainOver.local", "distanc"]) {
      assert.throws(() => {
        check(unknown);
      }, /no trial can have/);
    }
  });

  it("has several seeds, as a number or a list", () => {
    const seedsOf = (text: string) => parse(text).trials.map(({ trial }) => trial.seed);
    const base = file.replace("seed: [1, 2]\n", "").replace(/faults: .* }$/m, "}");
    assert.deepEqual(seedsOf(`${base}seeds: 2\n`), [1, 2, 1, 2]);
    assert.deepEqual(seedsOf(`${base}seeds: 2\nseed: 7\n`), [7, 8, 7, 8]);
    assert.deepEqual(seedsOf(`${base}seeds: [5, 3]\n`), [5, 3, 5, 3]);
    const study = parse(
      `${base}seeds: 3\n`.replace(/sweep:[^]*?\]\n/, "").replace(/attacks:[^]*?1 \}\]\n/, ""),
    );
    assert.deepEqual(
      study.trials.map(({ folder, trial }) => [folder, "seeds" in trial]),
      [1, 2, 3].map((seed) => [`seed-${seed}`, false]),
    );
    assert.throws(
      () => parse(file, ["seeds=2"]),
      /several values of seed already: leave out seeds or the list of seed/,
    );
    for (const wrong of ["0", "1.5", "[1, 1]", "[]", "x"]) {
      assert.throws(() => parse(file, [`seeds=${wrong}`, "seed=1"]), /seeds: (expected|keys)/);
    }
  });

  it("lists its trials in the folder, and keeps the run folder of a trial", async () => {
    const place = (sweep: Sweep) => openSweepFolder(out, sweep, { file: "/s.yaml", set: ["a=1"] });
    const folders = ({ trials }: Pick<Sweep, "trials">) => trials.map(({ folder }) => folder);
    const first = await place(parse(file, ["task.faults={}"]));
    const stored = readStoredSweep(out);
    assert.deepEqual([stored?.file, stored?.set, stored?.name], ["/s.yaml", ["a=1"], "grid"]);
    assert.deepEqual(stored?.rows, first.rows);
    assert.deepEqual(
      stored?.trials.map(({ id, at, arms }) => [id, at, arms]),
      first.trials.map(({ id, at, arms }) => [id, at, arms]),
    );
    assert.deepEqual(folders(assignFolders(out, parse(file, ["task.faults={}"]))), folders(first));
    // With the faults, the same trials would have longer names.
    const second = await place(parse());
    const kept = second.trials.filter(({ id }) => first.trials.some((one) => one.id === id));
    assert.deepEqual(folders({ trials: kept }), folders(first));
    assert.equal(new Set(folders(second)).size, 8);
    const kinds = ["id", "folder", "better", "worse"];
    const forged: unknown = JSON.parse(
      await readFile(join(out, "sweep.json"), "utf8"),
      (key, value: unknown) =>
        typeof value === "string" && !kinds.includes(key) ? `\u001b[2J${value}` : value,
    );
    await writeFile(join(out, "sweep.json"), JSON.stringify(forged));
    const { version: _, file: path, set, ...shown } = readStoredSweep(out) ?? assert.fail();
    assert.ok(path.startsWith("\u001b") && set[0]?.startsWith("\u001b"), "they are not shown");
    const texts = JSON.stringify(shown, (_, value: unknown) =>
      value instanceof Map ? [...value] : value,
    );
    assert.doesNotMatch(texts, /u001b/);
    assert.match(texts, /u\{1b\}\[2Jtask\.faults/);
    await writeFile(join(out, "sweep.json"), "{}");
    assert.equal(readStoredSweep(out), undefined);
  });

  it("never removes a folder that is no run", async () => {
    const [trial] = parse().trials;
    const folder = join(out, trial?.folder ?? assert.fail());
    await mkdir(folder);
    await writeFile(join(folder, "notes.txt"), "mine");
    await writeFile(join(out, "sweep.json"), "{}");
    await assert.rejects(run(), /is not empty and holds no run/);
    assert.equal(await readFile(join(folder, "notes.txt"), "utf8"), "mine");
  });

  it("gives a changed trial another folder than the run that is there", async () => {
    const [before] = await run();
    await rm(join(out, "sweep.json"));
    const changed = parse(file.replace("rounds: 1", "rounds: 2")).trials[0] ?? assert.fail();
    const { trials } = assignFolders(out, parse(file.replace("rounds: 1", "rounds: 2")));
    assert.equal(trials[0]?.folder, `${before?.trial.folder ?? ""}-${changed.id.slice(0, 8)}`);
  });

  it("accepts overrides, including lists of values", () => {
    const overridden = parse(file, ["rounds=[1, 2]", "seed=3"]);
    assert.equal(overridden.trials.length, 8);
    assert.ok(overridden.trials.every(({ trial }) => trial.seed === 3));
  });

  it("keeps lists that an option takes, also inside of others", () => {
    const toy = toyPlugins.tasks.get("toy") ?? assert.fail();
    const columns = z.strictObject({
      actions: z.array(z.string()),
      outputs: z.union([z.string(), z.array(z.string())]),
      codes: z.record(z.string(), z.array(z.number())),
      size: z.number(),
    });
    const own = z.looseObject({
      source: z.union([z.strictObject({ columns }), z.literal("none")]).optional(),
    });
    const tasks = new Map([["toy", { ...toy, schema: own } as TaskPlugin]]);
    const text = file.replace(
      /faults: .*$/m,
      "source: { columns: { actions: [a], outputs: [a, b], codes: { a: [1, 2] }, size: [1, 2] } } }\nabsent: [{ clients: [c00], from: 1 }, { clients: [c01], from: 1 }]",
    );
    const dimensionsOf = (yaml: string) =>
      parse(yaml, [], { ...toyPlugins, tasks }).dimensions.map(({ path }) => path);
    assert.deepEqual(dimensionsOf(text), ["seed", "task.source.columns.size", "attacks"]);
    const varied = text.replace("outputs: [a, b]", "outputs: [[a, b], [a]]");
    assert.ok(dimensionsOf(varied).includes("task.source.columns.outputs"));
  });

  it("finds measures that no trial has", async () => {
    const sweep = parse(file.replace("distance.toy-mean", "distance.toymean"));
    const { missing, known } = missingMeasures(sweep, summaries(await run(sweep)));
    assert.deepEqual(missing, ["distance.toymean"]);
    assert.ok(known.includes("distance.toy-mean"));
    assert.deepEqual(missingMeasures(sweep, new Map()).missing, []);
  });

  it("stops between trials", async () => {
    await assert.rejects(run(parse(), AbortSignal.abort()), { name: "AbortError" });
  });

  it("shows means over seeds, the worst of each column, and gaps for failed trials", async () => {
    const sweep = parse();
    const { tables } = computeResults(sweep, summaries(await run(sweep)));
    const [table] = tables;
    assert.ok(table !== undefined && tables.length === 1);
    assert.deepEqual(table.rows, ["none", "toy-shift"]);
    assert.equal(table.columns.length, 2);
    // Four clients hold 1 … 4 with mean 2.5, so the distances are 1.5, 0.5, 0.5 and 1.5. Three
    // clients that throw miss the quorum.
    const [interval, values] = [{ low: 1, high: 1 }, [1, 1]];
    assert.deepEqual(table.cells[0], [
      { mean: 1, min: 1, max: 1, seeds: 2, values, interval },
      undefined,
    ]);
    assert.ok((table.worst[0] ?? 0) > 1);
    assert.equal(table.worst[1], undefined);
    const text = sweepText(computeResults(sweep, summaries(await run(sweep))));
    assert.match(text, /none +1 ± 0 \(2\) +–\n/);
  });

  it("creates a table for every value of the other dimensions", () => {
    const sweep = parse(file.replace("rounds: 1", "rounds: [1, 2]"));
    const facets = computeResults(sweep, new Map()).tables.map(({ facet }) => facet);
    assert.deepEqual(
      facets.map((facet) => facet.split(" = ")[0]),
      ["task.faults", "task.faults"],
    );
  });

  it("names the fault and its place in the grid", () => {
    assert.throws(
      () => parse("[1]"),
      /s\.yaml:1:1: trial: expected a trial with a section `sweep`/,
    );
    const single = file.replace(/sweep:[^]*$/, "");
    assert.throws(
      () => parse(single),
      /section `sweep`, or `seeds`; for a single trial, use (npx )?fedclair run/,
    );
    const sources = [file, single].map((text) => readTrialSource(text, "s.yaml"));
    assert.deepEqual(sources.map(isSweep), [true, false]);
    assert.throws(
      () => parse(file.replace("measures:", "rwos: seed\n  measures:")),
      /s\.yaml:\d+:\d+: sweep: unknown key 'rwos', did you mean 'rows'\?/,
    );
    assert.throws(
      () => parse(file.replace("rows: attacks", "rows: task")),
      /sweep: rows: 'task' is no dimension; expected one of seed, task\.faults, attacks/,
    );
    assert.throws(
      () => parse(file.replace("[1, 2]", "[1, -2]")),
      /s\.yaml \[seed = -2, .*\]:4:11: seed: expected at least 0, got -2/,
    );
    assert.throws(
      () => parse(file.replace("count: 1", "cuont: 1")),
      /s\.yaml \[.*attacks = toy-shift\]:11:37: attacks\.0: unknown key 'cuont', did you mean 'count'\?/,
    );
    assert.throws(
      () => parse(file, ["seed=[1,-2]"]),
      /s\.yaml \[seed = -2, .*\]: --set seed=\[1,-2\]: seed: expected at least 0, got -2/,
    );
  });
});
