import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientRunner, MemoryPool, readTrialSource } from "@fedclair/core/internal";
import { toyPlugins } from "@fedclair/core/testing";
import { SendLater, type Receiver } from "../carry/carried.js";
import { RunSender } from "../carry/run-sender.js";
import { mostRunBytes } from "../carry/run-receiver.js";
import { recordTrial } from "../run/record-trial.js";
import { CarriedTrial } from "./carried-trial.js";
import { parseSweep, type SweepTrial } from "./sweep-file.js";

const text = `
name: carried
seed: 1
rounds: 4
clients: 4
task: { name: toy }
aggregator: { name: toy-mean }
baselines: [{ label: second, aggregator: { name: toy-mean } }]
sweep: { measures: [distance.toy-mean] }
`;

describe("a trial that another machine runs", () => {
  let root: string;
  let carried: CarriedTrial;
  const [trial] = parseSweep(readTrialSource(text, "s.yaml", []), toyPlugins).trials as [
    SweepTrial,
  ];
  const here = () => join(root, "sweep", trial.folder);
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "carried-"));
    carried = await CarriedTrial.open(trial, join(root, "sweep"), "cpu");
  });
  afterEach(async () => {
    await carried.close();
    await rm(root, { recursive: true });
  });

  /** Runs the trial in a folder. @param after is called after each round, from 1 */
  const run = async (folder: string, after: (round: number, stop: () => void) => unknown) => {
    const stop = new AbortController();
    const prepared = trial.prepare();
    const pool = new MemoryPool(new ClientRunner(prepared));
    let round = 0;
    const running = recordTrial({
      prepared,
      pool,
      out: folder,
      resumes: true,
      signal: stop.signal,
      backend: () => "cpu",
      onEvent: async ({ event }) => {
        if (event.kind === "round")
          await after(++round, () => {
            stop.abort();
          });
      },
    });
    await running.catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    await pool.close();
    return round;
  };
  const finish = async (name = "there") => {
    const folder = join(root, name);
    await run(folder, () => undefined);
    return folder;
  };
  const fetchTo = async (folder: string) => {
    await mkdir(folder);
    for (const { name, size } of await carried.listFiles()) {
      const bytes = await carried.read(name, 0);
      assert.equal(bytes.length, size);
      await writeFile(join(folder, name), bytes);
    }
  };
  const same = ["records.jsonl", "params.safetensors", "summary.json", "trial.yaml"];
  const readAll = (folder: string) =>
    Promise.all(same.map((name) => readFile(join(folder, name), "utf8")));

  it("arrives while it is written, with the same bytes, although pieces arrive twice", async () => {
    const there = join(root, "there");
    const { receiver } = carried;
    const twice: Receiver = {
      ...receiver,
      piece: async (...piece) => {
        await receiver.piece(...piece);
        await receiver.piece(...piece);
      },
    };
    const sender = new RunSender(there, twice);
    await run(there, () => sender.sendCheckpoint());
    assert.equal(carried.readArrived(), undefined);
    await sender.send();
    assert.deepEqual(await readAll(here()), await readAll(there));
    assert.deepEqual(
      await readFile(join(here(), "timings.jsonl")),
      await readFile(join(there, "timings.jsonl")),
    );
    assert.deepEqual(
      (await readdir(here())).filter((name) => /part|checkpoint/.test(name)),
      [],
    );
    assert.equal(carried.readArrived()?.skipped, false);
  });

  it("goes on elsewhere from the last round that arrived", async () => {
    const sender = new RunSender(join(root, "there"), carried.receiver);
    // The fifth round is the first one of the second arm.
    await run(join(root, "there"), async (round, stop) => {
      if (round <= 5) await sender.sendCheckpoint();
      else stop();
    });
    const next = join(root, "next");
    await fetchTo(next);
    assert.equal(await run(next, () => undefined), 3);
    const second = new RunSender(next, carried.receiver);
    await second.send();
    assert.deepEqual(await readAll(here()), await readAll(await finish("alone")));
  });

  it("goes on after the receiver has been restarted in the middle of a delivery", async () => {
    const there = await finish();
    let pieces = 0;
    const sender = new RunSender(there, {
      offer: (parts) => carried.receiver.offer(parts),
      commit: (...all) => carried.receiver.commit(...all),
      piece: async (...piece) => {
        if (++pieces === 3) {
          await carried.close();
          carried = await CarriedTrial.open(trial, join(root, "sweep"), "cpu");
        }
        await carried.receiver.piece(...piece);
      },
    });
    await sender.send();
    assert.deepEqual(await readAll(here()), await readAll(there));
  });

  it("starts again if what has arrived is damaged", async () => {
    const sender = new RunSender(join(root, "there"), carried.receiver);
    await run(join(root, "there"), async (round, stop) => {
      await sender.sendCheckpoint();
      if (round === 2) stop();
    });
    assert.ok((await carried.listFiles()).length > 0);
    const file = join(here(), "checkpoint-2");
    const bytes = await readFile(file);
    bytes[40] = 255 - (bytes[40] ?? 0);
    await writeFile(file, bytes);
    assert.deepEqual(await carried.listFiles(), []);
    assert.deepEqual(await readdir(here()), ["lock"]);
  });

  const rejects = async (sending: Promise<unknown>, reason: RegExp) => {
    await assert.rejects(sending, reason);
    assert.equal(carried.readArrived(), undefined);
  };

  for (const [what, file, from, to, reason] of [
    ["other records", "records.jsonl", '"round":2', '"round":9', /differ from what the run wrote/],
    ["another summary", "summary.json", '"seed": 1', '"seed": 2', /seed differs from what/],
    ["no link", "summary.json", '"chain"', '"change"', /does not name the last record/],
    [
      "another release",
      "run.json",
      /"version": "[^"]*"/,
      '"version": "0.0.1"',
      /of fedclair 0\.0\.1/,
    ],
    ["another trial", "run.json", /"hash": ".{4}/, '"hash": "0000', /a run of 0000.*, expected/],
    ["another backend", "run.json", '"cpu"', '"wasm"', /trained on wasm, expected cpu/],
  ] as const) {
    it(`is refused with ${what}, and nothing of it stays`, async () => {
      const there = await finish();
      const before = await readFile(join(there, file), "utf8");
      const after = before.replace(from, to);
      assert.notEqual(after, before);
      await writeFile(join(there, file), after);
      await rejects(new RunSender(there, carried.receiver).send(), reason);
      assert.deepEqual(await readdir(here()), ["lock"]);
    });
  }

  it("is refused with a false hash, a file outside its folder, or too many bytes", async () => {
    const there = await finish();
    const { receiver } = carried;
    const forged: Receiver = {
      ...receiver,
      commit: (sent, names) =>
        receiver.commit(
          sent.map((one) => ({ ...one, sha256: "0".repeat(64) })),
          names,
        ),
    };
    await rejects(new RunSender(there, forged).send(), /expected bytes with the SHA-256 0000/);
    for (const name of ["../../secret", "lock", "trial.yaml", "figures/a.svg", "activity.json"]) {
      await rejects(
        receiver.offer([{ name, from: 0, size: 1 }]),
        /is no file of a run|is not sent/,
      );
    }
    await assert.rejects(carried.read("../../secret", 0), /is no file of a run/);
    const offer = (size: number) => receiver.offer([{ name: "checkpoint-1", from: 0, size }]);
    await rejects(offer(mostRunBytes + 1), /the run has 137 GB: expected at most 137 GB/);
    await offer(1);
    await rejects(
      receiver.piece("checkpoint-1", 0, Buffer.alloc(2)),
      /longer than it was announced/,
    );
    const { bavail, bsize } = await statfs(root);
    if (2 * bavail * bsize < mostRunBytes)
      await assert.rejects(offer(2 * bavail * bsize), (error) => error instanceof SendLater);
    await cp(there, join(root, "copy"), { recursive: true });
    await new RunSender(join(root, "copy"), receiver).send();
    assert.ok(carried.readArrived());
  });
});
