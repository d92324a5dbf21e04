import assert from "node:assert/strict";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { readResultBytes, readRecords, startCoordinator, startHost } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";

// Only one of the ways draws its report: that of the same bytes would be the same.
describe("the same trial gives the same bytes", () => {
  for (const [name, capacity] of [
    ["text-copy", 4],
    ["linear-regression", 5],
    ["mods", 5],
  ] as const) {
    it(`${name}: in one process, with one host, with three, and started by hand`, async () => {
      const folder = await temporaryFolder();
      const out = (way: string) => join(folder, way);
      const run = async (way: string, ...options: string[]) => {
        const outcome = await fedclair(["run", fixture(name), "--out", out(way), ...options]);
        assert.equal(outcome.code, 0, outcome.stderr);
      };
      await run("memory", "--transport", "memory");
      const expected = await readResultBytes(out("memory"));
      const records = await readRecords(out("memory"));
      assert.deepEqual(
        records.map(({ arm, round }) => `${arm} ${round}`),
        ["clair 1", "clair 2", "fedavg 1", "fedavg 2", "oracle 1", "oracle 2"],
      );
      assert.ok(records.every(({ clients }) => clients.every(({ failure }) => failure === null)));

      await run("one", "--hosts", "1", "--no-report");
      assert.deepEqual(await readResultBytes(out("one")), expected);
      await run("three", "--hosts", "3", "--no-report");
      assert.deepEqual(await readResultBytes(out("three")), expected);

      const { coordinator, url } = await startCoordinator([
        fixture(name),
        ...["--listen", "127.0.0.1:0", "--out", out("hand"), "--no-report"],
      ]);
      const hosts = [startHost(url, capacity), startHost(url, capacity)];
      for (const half of [coordinator, ...hosts]) {
        const outcome = await half.ended;
        assert.equal(outcome.code, 0, outcome.stderr);
      }
      assert.deepEqual(await readResultBytes(out("hand")), expected);
    });
  }

  it("where clients choose on held-back data: in one process and with two hosts", async () => {
    const folder = await temporaryFolder();
    const set = ["holdBack=0.2", "aggregator={ name: clair, rank: 2, rule: none }", "baselines=[]"];
    for (const [way, ...how] of [
      ["memory", "--transport", "memory"],
      ["two", "--hosts", "2", "--no-report"],
    ] as const) {
      const changes = set.flatMap((one) => ["--set", one]);
      const out = join(folder, way);
      const args = ["run", fixture("linear-regression"), "--out", out, ...how, ...changes];
      const { code, stdout, stderr } = await fedclair(args);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /\n\d+ choices on held-back data: \S/);
    }
    assert.deepEqual(
      await readResultBytes(join(folder, "two")),
      await readResultBytes(join(folder, "memory")),
    );
    const records = await readRecords(join(folder, "two"));
    const benign = records.flatMap(({ clients }) => clients.filter((one) => one.attack === null));
    assert.ok(benign.length > 0);
    assert.ok(benign.every(({ refinement }) => refinement !== undefined));
  });

  for (const schedule of [
    "{ name: semi-synchronous, fraction: 0.5, overSelection: 1.4 }",
    "{ name: buffered, buffer: 2 }",
  ]) {
    it(`in simulated time, schedule ${schedule}: in one process and with two hosts`, async () => {
      const folder = await temporaryFolder();
      const set = [
        ...[
          "aggregator={ name: fedavg }",
          "baselines=[{ label: median, aggregator: { name: coordinate-median } }]",
        ],
        ...["rounds=4", "cohort={ count: 5 }", "expect={ measures: { time.median: { min: 1 } } }"],
        ...["devices={ seconds: { median: 9, sigma: 1 }, jitter: 0.5, available: 0.7 }"],
        ...["target={ metric: error, value: 0.5 }", `schedule=${schedule}`],
      ].flatMap((one) => ["--set", one]);
      for (const [way, ...how] of [
        ["memory", "--transport", "memory"],
        ["two", "--hosts", "2", "--no-report"],
      ] as const) {
        const args = [
          "run",
          fixture("linear-regression"),
          "--out",
          join(folder, way),
          ...how,
          ...set,
        ];
        const { code, stderr } = await fedclair(args);
        assert.equal(code, 0, stderr);
      }
      assert.deepEqual(
        await readResultBytes(join(folder, "two")),
        await readResultBytes(join(folder, "memory")),
      );
      const records = await readRecords(join(folder, "two"));
      assert.equal(records.length, 8);
      assert.ok(
        records.every(({ clock = 0 }, i) => i % 4 === 0 || clock > (records[i - 1]?.clock ?? 0)),
      );
      const clients = records.flatMap(({ clients }) => clients);
      assert.ok(
        schedule.includes("buffered")
          ? clients.some(({ staleness = 0 }) => staleness > 0)
          : clients.some(({ failure }) => failure?.code === "STRAGGLER"),
      );
    });
  }
});
