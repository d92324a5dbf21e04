import { UserError } from "@fedclair/core";
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import type { CounterMakers } from "../testing/counter.js";
import { Overdue, Thread, ThreadEnded, ThreadPool, type ThreadOptions } from "./index.js";

const counter = new URL("../testing/counter.js", import.meta.url);
const started: { end(): Promise<void> }[] = [];

function start(options: Partial<ThreadOptions> = {}, script = counter) {
  const thread = new Thread<CounterMakers, string>(script, { name: "a thread", ...options });
  started.push(thread);
  return thread;
}

function source(text: string): URL {
  const imported = `import { parentPort } from "node:worker_threads"; ${text}`;
  return new URL(`data:text/javascript,${encodeURIComponent(imported)}`);
}

const silent = () => source(`parentPort.on("message", () => {})`);

describe("a thread", () => {
  afterEach(async () => {
    for (const thread of started.splice(0)) await thread.end();
  });

  it("answers calls of several objects in turn", async () => {
    const thread = start();
    const [a, b] = [thread.host("counter", 1), thread.host("counter", 10)];
    const replies = [a.ask("add", 1), b.ask("add", 1), a.ask("add", 1)];
    assert.deepEqual(await Promise.all(replies), [2, 11, 3]);
  });

  it("keeps results in the thread, and the errors of calls that make them", async () => {
    const own = start().host("counter", 1);
    assert.equal(await own.keep("child", 5).ask("add", 1), 6);
    await assert.rejects(own.keep("child", -1).ask("add", 1), RangeError);
  });

  it("restores results", async () => {
    const restore = (result: unknown) => ({ result });
    assert.deepEqual(await start({ restore }).host("counter", 1).ask("add", 1), { result: 2 });
  });

  it("keeps the class and the exit code of an error", async () => {
    const own = start().host("counter", 1);
    await assert.rejects(own.ask("throwUserError"), new UserError("mine", 5));
    await assert.rejects(own.ask("throwTypeError"), new TypeError("no number"));
    await assert.rejects(own.ask("throwFunction"), /\(\) => 1/);
  });

  it("reports an object that cannot be made, and one that is dropped, to their callers", async () => {
    const thread = start();
    await assert.rejects(thread.host("fault").ask("add", 1), new UserError("cannot be made"));
    const own = thread.host("counter", 1);
    own.drop();
    await assert.rejects(own.ask("add", 1), /no object \d+ in this thread/);
  });

  it("rejects a call with arguments or a result that cannot be posted, and goes on", async () => {
    const own = start().host("counter", 1);
    const strange = (() => 1) as unknown as number;
    await assert.rejects(own.ask("add", strange), { name: "DataCloneError" });
    await assert.rejects(own.ask("giveFunction"), /could not be cloned/);
    assert.equal(await own.ask("add", 1), 2);
  });

  it("passes on reports before the result", async () => {
    const reports: string[] = [];
    const thread = start();
    thread.onReport = (report) => reports.push(report);
    const own = thread.host("counter", 1);
    assert.equal(await own.ask("addAndReport", 2), 3);
    assert.deepEqual(reports, ["adding 2"]);
  });

  it("gives its code nothing to answer for others with", async () => {
    const reports: string[] = [];
    const thread = start();
    thread.onReport = (report) => reports.push(report);
    const own = thread.host("counter", 1);
    const [found, sum] = await Promise.all([own.ask("forge"), own.ask("add", 1)]);
    assert.deepEqual([found, sum, reports], [[0, [], {}], 2, ["not forged"]]);
  });

  it("passes on what it posted before it ended", async () => {
    let reports = 0;
    const thread = start();
    thread.onReport = () => {
      reports++;
      for (const end = performance.now() + 0.01; performance.now() < end;); // slower than it posts
    };
    await assert.rejects(thread.host("counter", 1).ask("reportAndExit", 10_000), ThreadEnded);
    assert.equal(reports, 10_000);
  });

  it("ends if it posts what cannot be read", async () => {
    const thread = start();
    thread.onReport = () => {
      throw new TypeError("no report");
    };
    const why = /a thread posted what cannot be read: TypeError: no report/;
    await assert.rejects(thread.host("counter", 1).ask("addAndReport", 2), why);
    assert.equal(thread.isAlive, false);
  });

  it("answers no call after it has stopped", async () => {
    const own = start().host("counter", 1);
    const [last, later] = [own.ask("stopAfterThis"), own.ask("add", 1)];
    assert.equal(await last, "last");
    assert.equal(await Promise.race([later, setTimeout(100, "none")]), "none");
    later.catch(() => undefined);
  });

  it("ends a thread that makes no progress, and names its code", async () => {
    const thread = start();
    thread.limitTime(({ call }) => (call === 0 ? Infinity : 0.2));
    const own = thread.host("counter", 1);
    const [hangs, waits] = [own.ask("hang", "step() of task 'x'"), own.ask("add", 1)];
    await Promise.all([assert.rejects(hangs, Overdue), assert.rejects(waits, Overdue)]);
    assert.equal(thread.code, "step() of task 'x'");
    assert.equal(thread.activity.doing.call, 7);
    assert.equal(thread.isAlive, false);
  });

  it("lets a thread work that makes progress", async () => {
    const thread = start();
    thread.limitTime(() => 0.2);
    assert.equal(await thread.host("counter", 1).ask("work", 600), "done");
  });

  it("rejects pending calls of a thread that ends", async () => {
    const thread = start({}, source("process.exit(7)"));
    const own = thread.host("counter", 1);
    await assert.rejects(own.ask("add", 1), /a thread ended with code 7/);
    assert.equal(thread.isAlive, false);
    await assert.rejects(own.ask("add", 1), /has ended/);
  });

  it("gives a hint where code has ended its thread", async () => {
    const own = start({ exitHint: ": does it exit?" }).host("counter", 1);
    const message = "a thread ended with code 3: does it exit?";
    await assert.rejects(own.ask("exit", 3), new ThreadEnded(message));
  });

  it("rejects calls with the error that it was ended with", async () => {
    const thread = start();
    const own = thread.host("counter", 1);
    const pending = own.ask("hang", "x");
    await Promise.all([
      thread.end(new Error("no longer needed")),
      assert.rejects(pending, /no lo/),
    ]);
    await assert.rejects(own.ask("add", 1), /no longer needed/);
  });

  it("passes on an error that nothing has caught", async () => {
    const errors: string[] = [];
    const thread = start(
      { onUncaught: ({ message }) => errors.push(message) },
      source(`throw new Error("stray")`),
    );
    await assert.rejects(thread.host("counter", 1).ask("add", 1), /a thread ended: stray/);
    assert.deepEqual(errors, ["stray"]);
  });

  it("passes on what it prints, characters in one piece", async () => {
    let output = "";
    const print = `process.stdout.write(Buffer.of(0xc3)); process.stdout.write(Buffer.of(0xa9));`;
    await start(
      { onOutput: (text) => (output += text) },
      source(`${print} setTimeout(() => console.error(" is an error"), 50)`),
    ).ended;
    assert.equal(output, "é is an error\n");
  });

  it("ends a thread that has hosted nothing for a while", async () => {
    const thread = start({ idleMs: 1 }, silent());
    const [first, second] = [thread.host("counter", 1), thread.host("counter", 1)];
    first.drop();
    second.drop();
    await thread.ended;
    assert.equal(thread.isAlive, false);
  });

  it("takes no calls once it has begun to end a thread", async () => {
    const thread = start({ idleMs: 1 }, silent());
    const own = thread.host("counter", 1);
    own.drop();
    // A timer of the same length that is set later fires right after the one of the idle thread.
    await setTimeout(1);
    assert.equal(thread.isAlive, false);
    await assert.rejects(own.ask("add", 1), /a thread has ended/);
    await thread.ended;
  });
});

describe("a pool of threads", () => {
  it("starts a thread again after it has ended", async () => {
    const pool = new ThreadPool(() => start());
    const first = pool.at(0);
    assert.equal(pool.at(0), first);
    await first.end();
    assert.notEqual(pool.at(0), first);
    await pool.at(0).end();
  });
});
