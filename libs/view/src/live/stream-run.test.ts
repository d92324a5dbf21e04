import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { appendFile, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Lock, noDescription } from "@fedclair/runs";
import { appendRounds, finish, record, writeRun } from "../../testing/run-folder.js";
import { LiveRun } from "./live-run.js";
import type { StreamedArmRound, RunState } from "../data/protocol.js";
import { streamRun } from "./stream-run.js";

let folder: string;
const reading = new Set<AbortController>();

interface Event {
  readonly event: string;
  readonly data: unknown;
  readonly id: string | undefined;
}

const open = (now?: () => number) =>
  new LiveRun(folder, "run", () => Promise.resolve({ description: noDescription }), now);

/** Reads everything that there is now. @param after id from which to go on */
async function read(run: LiveRun, after?: string): Promise<Event[]> {
  await run.look();
  const end = new AbortController();
  reading.add(end);
  const events: Event[] = [];
  await streamRun(
    run,
    after,
    (event, data, id) => {
      events.push({ event, data, id });
      if (event === "live") end.abort();
      return Promise.resolve();
    },
    end.signal,
  );
  return events;
}

const rounds = (events: readonly Event[]) =>
  events.flatMap(({ event, data }) => {
    const { a, round } = data as StreamedArmRound;
    return event === "round" ? [`${a} ${round}`] : [];
  });
const stateIn = (events: readonly Event[]) =>
  events.findLast(({ event }) => event === "run")?.data as RunState;

describe("streamRun", () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(async () => {
    for (const end of reading) end.abort();
    reading.clear();
    await rm(folder, { recursive: true });
  });

  it("shows a run whose trial takes long to describe, and later with names", async () => {
    await writeRun(folder);
    await appendRounds(folder, record(1));
    const described = new EventEmitter();
    const run = new LiveRun(folder, "run", async () => {
      await once(described, "now");
      return { description: { ...noDescription, label: () => "Lincoln" } };
    });
    const early = await read(run);
    const namesIn = (events: readonly Event[]) =>
      events.find(({ event }) => event === "names")?.data as Record<number, string>;
    assert.deepEqual([rounds(early), namesIn(early)], [["0 1"], {}]);
    described.emit("now");
    await delay(10);
    const late = await read(run, early.at(-1)?.id);
    assert.equal(late[0]?.event, "reset");
    assert.deepEqual([rounds(late), namesIn(late)[0]], [["0 1"], "Lincoln"]);
  });

  it("sends everything from round 1, and to one who comes back only what is new", async () => {
    await writeRun(folder);
    await appendRounds(folder, record(1), record(1, "local"));
    const run = open();
    const first = await read(run);
    assert.equal(first[0]?.event, "reset");
    assert.deepEqual(rounds(first), ["0 1", "1 1"]);
    const { data } = first.find(({ event }) => event === "round") ?? {};
    assert.deepEqual(data, {
      a: 0,
      round: 1,
      columns: {
        round: 1,
        ids: "0 1 2",
        verdicts: "bcb",
        scores: "1 6 0.500",
        thresholds: "2",
      },
      truths: { 1: "sign-flip" },
      metric: [0.5, 0.5, 0.5, 2],
      down: 10,
      up: 4,
    });
    const last = first.findLast(({ id }) => id !== undefined)?.id;
    await appendRounds(folder, record(2));
    const second = await read(run, last);
    assert.deepEqual(rounds(second), ["0 2"]);
    assert.ok(!second.some(({ event }) => event === "reset"));
    // After a restart of the server, the place still counts.
    assert.deepEqual(rounds(await read(open(), last)), ["0 2"]);
  });

  it("waits for the rest of a line that is being written", async () => {
    await writeRun(folder);
    await appendRounds(folder, record(1));
    const run = open();
    const line = JSON.stringify(record(2));
    await appendFile(join(folder, "records.jsonl"), line.slice(0, 40));
    const first = await read(run);
    assert.deepEqual(rounds(first), ["0 1"]);
    await appendFile(join(folder, "records.jsonl"), `${line.slice(40)}\n`);
    const last = first.findLast(({ id }) => id !== undefined)?.id;
    assert.deepEqual(rounds(await read(run, last)), ["0 2"]);
  });

  it("begins again if a run that resumes has gone back, or the place is of another run", async () => {
    await writeRun(folder);
    await appendRounds(folder, record(1), record(2));
    const run = open();
    const last = (await read(run)).findLast(({ id }) => id !== undefined)?.id;
    const { length } = `${JSON.stringify(record(1))}\n`;
    await truncate(join(folder, "records.jsonl"), length);
    const again = await read(run, last);
    assert.equal(again[0]?.event, "reset");
    assert.deepEqual(rounds(again), ["0 1"]);
    assert.deepEqual(rounds(await read(run, "other-1~9~9")), ["0 1"]);
    assert.deepEqual(rounds(await read(run, "<script>")), ["0 1"]);
  });

  it("tells a running run from one whose process is gone, a failed and a finished one", async () => {
    await writeRun(folder);
    const lock = await Lock.acquire(folder);
    const run = open();
    assert.deepEqual(
      stateIn(await read(run)).sentence,
      "The first round is running; nothing is known yet.",
    );
    await appendRounds(folder, record(1));
    const running = stateIn(await read(run));
    assert.equal(running.status, "running");
    assert.match(running.sentence, /^After 1 of 3 rounds: clair flagged 1 of 1 contaminated/);
    assert.equal(running.secondsLeft, 10); // five rounds of two arms, two seconds each
    await appendRounds(folder, record(2), record(3), record(1, "local"));
    assert.equal(stateIn(await read(run)).secondsLeft, 3); // two rounds of an arm without judging
    await lock.release();
    const gone = stateIn(await read(run));
    assert.equal(gone.status, "interrupted");
    assert.match(
      gone.why ?? "",
      /^The coordinator is gone without finishing\. (npx )?fedclair resume /,
    );
    await writeFile(join(folder, "failure.json"), JSON.stringify({ message: "no", exitCode: 3 }));
    const failed = stateIn(await read(run));
    assert.deepEqual([failed.status, failed.why], ["failed", "no"]);
    const message = `two\nlines${"😀".repeat(25_000)}`;
    await writeFile(join(folder, "failure.json"), JSON.stringify({ message, exitCode: 3 }));
    assert.match(
      stateIn(await read(run)).why ?? "",
      /^two lines(😀){122}… \(failure\.json has the whole reason\)$/u,
    );
    await rm(join(folder, "failure.json"));
    await finish(folder);
    assert.equal(stateIn(await read(run)).status, "done");
  });

  it("knows the state of the folder after a look, even if another look was in progress", async () => {
    await writeRun(folder);
    const lock = await Lock.acquire(folder);
    const run = open();
    await run.look();
    assert.equal(run.state.status, "running");
    await lock.release();
    const first = run.look();
    await run.look();
    assert.equal(run.state.status, "interrupted");
    await first;
  });

  it("sends the last state to a reader whose signal aborts while it is sent an older one", async () => {
    await writeRun(folder);
    const lock = await Lock.acquire(folder);
    const run = open();
    await run.look();
    const end = new AbortController();
    const states: RunState[] = [];
    const send = async (event: string, data: unknown) => {
      if (event !== "run") return;
      states.push(data as RunState);
      if (end.signal.aborted) return;
      await lock.release();
      await run.look();
      end.abort();
    };
    await streamRun(run, undefined, send, end.signal);
    assert.deepEqual(
      states.map(({ status }) => status),
      ["running", "interrupted"],
    );
  });

  it("reports who is flagged, with what margin and what is true of them", async () => {
    await writeRun(folder);
    await appendRounds(folder, record(1), record(2));
    const { flagged, flaggedCount } = stateIn(await read(open()));
    assert.equal(flaggedCount, 1);
    assert.deepEqual(flagged, [
      {
        id: "c01",
        name: "c01",
        score: 6,
        threshold: 2,
        truth: "sign-flip",
        roundsFlagged: 2,
        roundsJudged: 2,
      },
    ]);
  });

  it("escapes marks that would turn round what a page shows of a trial", async () => {
    await writeRun(folder, { name: "a\u202eb", claim: "c\u202ed" });
    const { name, claim } = stateIn(await read(open()));
    assert.deepEqual([name, claim], ["a\\u{202e}b", "c\\u{202e}d"]);
  });

  it("notices a coordinator that has shown no sign of life for a minute", async () => {
    await writeRun(folder);
    const lock = await Lock.acquire(folder);
    const written = "2026-01-01T00:00:00.000Z";
    const activity = { written, doing: "training", asked: 4, answered: 1, hosts: [] };
    await writeFile(join(folder, "activity.json"), JSON.stringify(activity));
    let now = Date.parse(written) + 59_000;
    const run = open(() => now);
    assert.deepEqual(stateIn(await read(run)).notices, []);
    now += 2000;
    assert.deepEqual(stateIn(await read(run)).notices, [
      `No sign of life from the coordinator since ${written}.`,
    ]);
    await lock.release();
  });

  it("waits for a run that has not begun, and says what is wrong with a broken one", async () => {
    const run = open();
    const before = await read(run);
    assert.equal(stateIn(before).status, "waiting");
    assert.deepEqual(rounds(before), []);
    for (const file of ["run.json", "trial.yaml"]) await writeFile(join(folder, file), "[");
    const { status, sentence } = stateIn(await read(run));
    assert.deepEqual([status, sentence], ["broken", "This run cannot be read."]);
    await writeRun(folder);
    await appendFile(join(folder, "records.jsonl"), "no record\n");
    const { notices } = stateIn(await read(run));
    assert.match(notices.join(), /records\.jsonl:1: expected JSON/);
  });
});
