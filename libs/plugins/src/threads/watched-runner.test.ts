import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { backendsFor } from "@fedclair/compute";
import { describeClientPool } from "@fedclair/core/testing";
import { MemoryPool, prepareSentTrial, type Answer, type ClientJob } from "@fedclair/core/internal";
import { loadForHost } from "../built-in.js";
import { loadPlugins } from "../load-plugins.js";
import { selectRunnerOptions } from "./watch-trial.js";
import { WatchedRunner } from "./watched-runner.js";

/** A module of `testing`. */
const moduleOf = (name: string) => {
  const file = fileURLToPath(new URL(`../../testing/${name}.js`, import.meta.url));
  return { file, place: name };
};

describeClientPool("MemoryPool with a WatchedRunner", (trial) =>
  Promise.resolve(
    new MemoryPool(
      new WatchedRunner({
        modules: [moduleOf("toys")],
        ...selectRunnerOptions(trial, "the test"),
        backend: "cpu",
      }),
    ),
  ),
);

describe("WatchedRunner", () => {
  const events: string[] = [];
  let runner: WatchedRunner | undefined;
  afterEach(() => runner?.close());

  /** Opens a runner of four clients with a limit of half a second. */
  async function open(
    task: object,
    changes: object = {},
    name = "hanging",
    backend = "cpu",
    findEnded: (clientId: string) => string | undefined = () => undefined,
  ): Promise<WatchedRunner> {
    const modules = [moduleOf(name)];
    const content = {
      name: "hanging",
      rounds: 1,
      clients: 4,
      task: { name, ...task },
      aggregator: { name: "fedavg" },
      limits: { clientSeconds: 0.5, answerSeconds: 2.5 },
      ...changes,
    };
    const plugins = await loadPlugins(modules, content, loadForHost);
    const { trial } = prepareSentTrial(content, "the test", plugins);
    events.length = 0;
    runner = new WatchedRunner({
      modules,
      ...selectRunnerOptions(trial, "the test"),
      backend,
      findEnded,
      events: {
        onClientError: ({ clientId }, what) => events.push(`${clientId} failed: ${String(what)}`),
        onBatchError: (name, what) => events.push(`${name} failed: ${String(what)}`),
        onTimeout: ({ clientId }, what) => events.push(`${clientId} was late: ${what}`),
        onHang: ({ clientId }, what) => events.push(`${clientId} hung: ${what}`),
        onOthersCode: ({ clientId }, what) => events.push(`${clientId} excused: ${what}`),
      },
    });
    await runner.prepare();
    return runner;
  }

  let lastJob = 0;
  const base = new Map([["w", { shape: [1], data: new Float64Array(1) }]]);
  const jobOf = (index: number): ClientJob => ({
    id: ++lastJob,
    clientId: `c0${index}`,
    round: 1,
    phase: "train",
    kind: "train",
    clientIndex: index,
    clientCount: 4,
    seed: 1,
    commonSeed: 2,
    params: { base, rounds: [] },
  });

  /** The number that a client proposes, or the code and the message of its failure. */
  const read = (answer: Answer) => {
    if ("failure" in answer) return `${answer.failure.code}: ${answer.failure.message}`;
    const change = answer.update.delta.get("w");
    return change && "data" in change ? change.data[0] : undefined;
  };

  /** Runs each client on its own, all calls at once as `MemoryPool` does. */
  const runEach = async ({ runAll }: { runAll: WatchedRunner["runAll"] }) =>
    (await Promise.all([0, 1, 2, 3].map((i) => runAll([jobOf(i)])))).flat().map(read);

  const hung =
    "CLIENT_HUNG: train() of task 'hanging' did not return within 0.5 s (limits.clientSeconds)";

  it("ends a client that does not return, and runs the others", async () => {
    const opened = await open({ fault: "loop", client: 1 });
    const answers = await runEach({ runAll: (jobs) => opened.runAll(jobs) });
    assert.deepEqual(answers, [0, hung, 2, 3]);
    assert.deepEqual(events, [`c01 hung: ${hung.slice("CLIENT_HUNG: ".length)}`]);
  });

  it("finds the client of a group that does not return, and then runs one at a time", async () => {
    const opened = await open({ fault: "loop", client: 2, maxBatch: 4 });
    assert.equal(opened.maxBatch, 4);
    const answers = await opened.runAll([0, 1, 2, 3].map(jobOf));
    assert.deepEqual(answers.map(read), [0, 1, hung, 3]);
    assert.equal(opened.maxBatch, 1);
    assert.equal(events[0], "hanging failed: it does not return");
  });

  it("names an attack or a mod that does not return", async () => {
    const attacked = { attacks: [{ attack: { name: "hanging-client-attack" }, clients: ["c00"] }] };
    for (const [changes, name] of [
      [attacked, "corruptUpdate() of attack 'hanging-client-attack'"],
      [{ mods: [{ name: "hanging-mod" }] }, "client() of mod 'hanging-mod'"],
    ] as const) {
      const [answer] = await (await open({}, changes)).runAll([jobOf(0)]);
      assert.ok(answer);
      assert.equal(read(answer), hung.replace("train() of task 'hanging'", name));
      await runner?.close();
    }
  });

  it("reports a client that is out of time, and does not take its code for that of the next one", async () => {
    const opened = await open({ fault: "linger", client: 1 });
    const answers = await runEach({ runAll: (jobs) => opened.runAll(jobs) });
    const late = "train() of task 'hanging' gave no result after 0.5 s (limits.clientSeconds)";
    assert.deepEqual(answers, [0, `CLIENT_TIMEOUT: ${late}`, 2, 3]);
    assert.deepEqual(events, [`c01 was late: ${late}`]);
  });

  it("fails a client whose code calls process.exit, and runs the others", async () => {
    const opened = await open({ fault: "exit", client: 1 });
    const answers = await runEach({ runAll: (jobs) => opened.runAll(jobs) });
    const failed = "its thread ended with code 3: does a plug-in call process.exit?";
    assert.deepEqual(answers, [0, `CLIENT_ERROR: ${failed}`, 2, 3]);
    assert.deepEqual(events, [`c01 failed: ${failed}`]);
  });

  const own = "a plug-in may not end the process that it runs in, nor the one that started it";
  for (const [fault, failed] of [
    ["throw", "its thread ended: boom"],
    ["throw nothing", "its thread ended: null was thrown, which gives no reason"],
    ["reject", "its thread ended: boom"],
    ["kill", `process.kill(${String(process.pid)}): ${own}`],
    ["kill parent", `process.kill(${String(process.ppid)}): ${own}`],
    ["abort", "process.abort() is not supported in workers"],
  ] as const)
    it(`fails a client alone that would end its process: ${fault}`, async () => {
      const opened = await open({ fault, client: 1 });
      const answers = await runEach({ runAll: (jobs) => opened.runAll(jobs) });
      assert.deepEqual(answers, [0, `CLIENT_ERROR: ${failed}`, 2, 3]);
      const [event = "", ...others] = events;
      assert.deepEqual(others, []);
      assert.ok(event.startsWith("c01 failed: ") && event.includes(failed), event);
      assert.match(event, /\.ts:\d+:\d+\)$/); // its location, which no answer has
    });

  it("fails a client from its next job on if its code throws after its answer", async () => {
    const opened = await open({ fault: "throw late", client: 1 });
    const runAll = (jobs: readonly ClientJob[]) => opened.runAll(jobs);
    assert.deepEqual(await runEach({ runAll }), [0, 1, 2, 3]);
    while (events.length === 0) await new Promise(setImmediate);
    const why = "after its answer in round 1 its code threw Error: boom";
    assert.ok(events[0]?.startsWith(`c01 failed: ${why} (`), events[0]);
    const failed = `CLIENT_ERROR: not run again: ${why}`;
    assert.deepEqual(await runEach({ runAll }), [0, failed, 2, 3]);
  });

  const others = "which ran in the same thread, disturbs other clients";
  const apart = "but the job succeeded in a thread of its own: code of";

  it("names a client whose code calls process.exit in the job of another, which succeeds", async () => {
    const opened = await open({ fault: "exit late", client: 1 });
    const runAll = (jobs: readonly ClientJob[]) => opened.runAll(jobs);
    assert.deepEqual(await runEach({ runAll }), [0, 1, 2, 3]);
    const why = "after its answer in round 1 its code called process.exit(3)";
    const ended = "its thread ended with code 3: does a plug-in call process.exit?";
    const [named = "", ...rest] = events;
    assert.ok(named.startsWith(`c01 failed: ${why} (`), named);
    assert.deepEqual(rest, [`c02 excused: ${ended}, ${apart} c01, ${others}`]);
    const failed = `CLIENT_ERROR: not run again: ${why}`;
    assert.deepEqual(await runEach({ runAll }), [0, failed, 2, 3]);
  });

  it("runs a client again apart in whose job code of another does not return", async () => {
    const opened = await open({ fault: "loop late", client: 1 });
    const answers = await runEach({ runAll: (jobs) => opened.runAll(jobs) });
    assert.deepEqual(answers, [0, 1, 2, 3]);
    const what = "train() of task 'hanging' did not return";
    assert.deepEqual(events, [`c02 excused: ${what}, ${apart} one of c00, c01, ${others}`]);
  });

  it("fails nobody for what others do, even if answers are lost with each thread", async () => {
    const opened = await open({ fault: "exit in second job" });
    assert.deepEqual(await runEach({ runAll: (jobs) => opened.runAll(jobs) }), [0, 1, 2, 3]);
    assert.deepEqual(
      events.filter((event) => event.includes(" failed: ")),
      [],
    );
  });

  it("takes code of a client that nothing reports for nobody's", async () => {
    const opened = await open({ fault: "throw unheard late", client: 1 });
    const runAll = (jobs: readonly ClientJob[]) => opened.runAll(jobs);
    assert.deepEqual(await runEach({ runAll }), [0, 1, 2, 3]);
    assert.deepEqual(events, [
      `c02 excused: its thread ended: boom, ${apart} one of c00, c01, ${others}`,
    ]);
  });

  it("runs clients again apart whose thread another has changed", async () => {
    const opened = await open({ fault: "patch", client: 1 });
    const answers = await runEach({ runAll: (jobs) => opened.runAll(jobs) });
    assert.deepEqual(answers, [0, NaN, 2, 3]); // its own answer lacks what it took away
    const [event = "", ...rest] = events;
    assert.deepEqual(rest, []);
    assert.match(
      event,
      /^c02 excused: its thread failed: .+does a plug-in change built-in objects/,
    );
    assert.ok(event.endsWith(`${apart} one of c00, c01, c03, ${others}`), event);
  });

  it("does not run a client that has ended another host", async () => {
    const opened = await open({}, {}, "hanging", "cpu", (id) =>
      id === "c02" ? "it ended its host with SIGSEGV" : undefined,
    );
    const answers = await opened.runAll([0, 1, 2, 3].map(jobOf));
    const failed = "CLIENT_ERROR: not run again: it ended its host with SIGSEGV";
    assert.deepEqual(answers.map(read), [0, 1, failed, 3]);
  });

  for (const backend of ["wasm", "tensorflow"] as const)
    it(`runs clients that compute with TensorFlow.js: ${backend}`, async function () {
      if (!backendsFor("auto").includes(backend)) this.skip(); // it is not installed
      const opened = await open({}, { limits: {} }, "tensors", backend);
      const [first, second] = await Promise.all([0, 1].map((i) => opened.runAll([jobOf(i)])));
      assert.deepEqual(
        [first, second].flat().map((answer) => answer && read(answer)),
        [3, 3],
      );
      assert.equal(opened.tensors, 0);
    });

  it("is closed while a client does not return", async () => {
    const limits = { clientSeconds: 3600, answerSeconds: 7200 };
    const opened = await open({ fault: "loop" }, { limits });
    const rejected = assert.rejects(opened.runAll([jobOf(0)]), /its thread was ended/);
    await opened.close();
    await rejected;
    await assert.rejects(opened.runAll([jobOf(1)]), /its host has ended/);
  });
});
