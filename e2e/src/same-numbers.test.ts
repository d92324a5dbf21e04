import assert from "node:assert/strict";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import {
  readRecords,
  readResultBytes,
  startCoordinator,
  startHost,
  type RecordLine,
} from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";

/** Runs a trial of `e2e/fixtures` without a report. @returns what it prints */
async function run(name: string, out: string, ...args: readonly string[]): Promise<string> {
  const all = ["run", fixture(name), "--out", out, "--no-report", ...args];
  const { code, stdout, stderr } = await fedclair(all);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Runs a trial in one process and with two hosts. @returns the records, which are the same */
async function runTwice(name: string, set: readonly string[]) {
  const folder = await temporaryFolder();
  const changes = set.flatMap((one) => ["--set", one]);
  const [memory, two] = [join(folder, "memory"), join(folder, "two")];
  const outputs = [
    await run(name, memory, "--transport", "memory", ...changes),
    await run(name, two, "--hosts", "2", ...changes),
  ];
  assert.deepEqual(await readResultBytes(two), await readResultBytes(memory));
  return { records: await readRecords(two), outputs };
}

const inSimulatedTime = [
  "devices={ seconds: { median: 9, sigma: 1 }, jitter: 0.5, available: 0.7 }",
  "target={ metric: error, value: 0.5 }",
  "rounds=4",
  "cohort={ count: 5 }",
  "baselines=[{ label: median, aggregator: { name: coordinate-median } }]",
  "expect={ measures: { time.median: { min: 1 } } }",
];

function assertClockAdvances(records: readonly RecordLine[]): void {
  assert.equal(records.length, 8);
  assert.ok(
    records.every(({ clock = 0 }, i) => i % 4 === 0 || clock > (records[i - 1]?.clock ?? 0)),
  );
}

describe("the same trial gives the same bytes", () => {
  it("in one process, with one host, with three, and started by hand", async () => {
    const folder = await temporaryFolder();
    const out = (way: string) => join(folder, way);
    await run("mods", out("memory"), "--transport", "memory");
    const expected = await readResultBytes(out("memory"));
    const records = await readRecords(out("memory"));
    assert.deepEqual(
      records.map(({ arm, round }) => `${arm} ${round}`),
      ["clair 1", "clair 2", "fedavg 1", "fedavg 2", "oracle 1", "oracle 2"],
    );
    assert.ok(records.every(({ clients }) => clients.every(({ failure }) => failure === null)));

    await run("mods", out("one"), "--hosts", "1");
    assert.deepEqual(await readResultBytes(out("one")), expected);
    await run("mods", out("three"), "--hosts", "3");
    assert.deepEqual(await readResultBytes(out("three")), expected);

    const { coordinator, url } = await startCoordinator([
      fixture("mods"),
      ...["--listen", "127.0.0.1:0", "--out", out("hand"), "--no-report"],
    ]);
    const hosts = [startHost(url, 5), startHost(url, 5)];
    for (const half of [coordinator, ...hosts]) {
      const outcome = await half.ended;
      assert.equal(outcome.code, 0, outcome.stderr);
    }
    assert.deepEqual(await readResultBytes(out("hand")), expected);
  });

  it("with TensorFlow.js: in one process and with two hosts", async () => {
    const { records } = await runTwice("text-copy", []);
    assert.equal(records.length, 6);
    assert.ok(records.every(({ clients }) => clients.every(({ failure }) => failure === null)));
  });

  it("where clients choose on held-back data and late ones are left out of a round", async () => {
    const { records, outputs } = await runTwice("linear-regression", [
      ...inSimulatedTime,
      "holdBack=0.2",
      "aggregator={ name: clair, rank: 2, rule: gap, minBenignFraction: 1 }",
      "schedule={ name: semi-synchronous, fraction: 0.5, overSelection: 1.4 }",
    ]);
    for (const stdout of outputs) assert.match(stdout, /\n\d+ choices on held-back data: \S/);
    assertClockAdvances(records);
    const clients = records.filter(({ arm }) => arm === "clair").flatMap(({ clients }) => clients);
    assert.ok(clients.some(({ failure }) => failure?.code === "STRAGGLER"));
    const answered = clients.filter(({ attack, failure }) => attack === null && failure === null);
    assert.ok(answered.length > 0);
    assert.ok(answered.every(({ refinement }) => refinement !== undefined));
  });

  it("where updates wait in a buffer", async () => {
    const { records } = await runTwice("linear-regression", [
      ...inSimulatedTime,
      "aggregator={ name: fedavg }",
      "schedule={ name: buffered, buffer: 2 }",
    ]);
    assertClockAdvances(records);
    const clients = records.flatMap(({ clients }) => clients);
    assert.ok(clients.some(({ staleness = 0 }) => staleness > 0));
  });
});
