import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { play, toyPlugins, toyTrial } from "../../testing/index.js";
import { toyAggregator } from "../../testing/toy.js";
import type { RoundRecord } from "./record.js";
import type { Trial } from "../trial/trial.js";
import { Trace } from "../trial/trace.js";

/** The toy plug-ins, with an aggregator that accepts stale updates. */
const plugins = {
  ...toyPlugins,
  aggregators: new Map([["toy-mean", { ...toyAggregator, acceptsStale: true }]]),
};

const head = "device,seconds,bytesPerSecond,from,to\n";
/** Client i takes i + 1 seconds, and messages take no time. */
const oneToFour = Trace.parse(`${head}a,1,,,\nb,2,,,\nc,3,,,\nd,4,,,\n`, "devices.csv");

const createTrial = (changes: Record<string, unknown>): Trial =>
  toyTrial({
    clients: 4,
    rounds: 2,
    cohort: "all",
    attacks: [],
    devices: { trace: "devices.csv" },
    ...changes,
  });

async function playRecords(trial: Trial, trace = oneToFour): Promise<RoundRecord[]> {
  const { rounds } = await play(trial, plugins, { trace });
  return rounds.map(({ record }) => record);
}

const listStragglers = ({ clients }: RoundRecord) =>
  clients.filter(({ failure }) => failure?.code === "STRAGGLER").map(({ clientId }) => clientId);

describe("a round in simulated time", () => {
  it("waits for the last client, and records how long each took", async () => {
    const records = await playRecords(createTrial({}));
    assert.deepEqual(
      records.map(({ clock }) => clock),
      [4, 8],
    );
    assert.deepEqual(
      records[0]?.clients.map(({ seconds }) => seconds),
      [1, 2, 3, 4],
    );
  });

  it("counts the time of messages on a client's link", async () => {
    // Down 2 float64 and 6 float32; up 2 float64 and a pair of 2 + 3 float32: 40 + 36 bytes.
    const trace = Trace.parse(`${head}a,1,76,,\n`, "devices.csv");
    const [record] = await playRecords(createTrial({}), trace);
    assert.deepEqual(record?.bytes, { down: 160, up: 144 });
    assert.equal(record.clock, 2);
  });

  it("closes when a fraction of the cohort has answered", async () => {
    const schedule = { name: "semi-synchronous", fraction: 0.5 };
    const [first, second] = await playRecords(createTrial({ schedule }));
    assert.equal(first?.clock, 2);
    assert.deepEqual(listStragglers(first), ["c02", "c03"]);
    const { failure } = first.clients[2] ?? {};
    assert.equal(failure?.message, "its answer took 3 s, and the round 2 s of simulated time");
    assert.equal(second?.clock, 4);
  });

  it("asks more clients than it waits for", async () => {
    const schedule = { name: "semi-synchronous", fraction: 1, overSelection: 2 };
    const [first] = await playRecords(createTrial({ schedule, cohort: { count: 2 } }));
    assert.equal(first?.clients.length, 4);
    assert.deepEqual(listStragglers(first), ["c02", "c03"]);
  });

  it("aggregates the first answers of a buffer, and discounts stale ones", async () => {
    const schedule = { name: "buffered", buffer: 2 };
    const trial = createTrial({ schedule, evaluate: "never" });
    const { rounds } = await play(trial, plugins, { trace: oneToFour });
    assert.deepEqual(
      rounds.map(({ record: { clock, clients } }) => [
        clock,
        clients.map(({ clientId, staleness, seconds }) => [clientId, staleness, seconds]),
      ]),
      [
        [2, [["c00", 0, 1], ["c01", 0, 2]]],
        // c00 started again after 2 s and answers with c02, which started at 0 s; c03 and c01 are
        // later.
        [3, [["c00", 0, 1], ["c02", 1, 3]]],
      ],
    ); // oxfmt-ignore
    assert.deepEqual(
      rounds.map(({ state }) => state.pending?.map(({ clientId, arrives }) => [clientId, arrives])),
      [
        [["c02", 3], ["c03", 4]],
        [["c01", 4], ["c03", 4]],
      ],
    ); // oxfmt-ignore
    const first = (1 + 2) / 2;
    const second = first + (1 - first + (3 - 0) / Math.SQRT2) / 2;
    const values = rounds.map(({ state }) => state.params.get("dense")?.data[0] ?? NaN);
    assert.equal(values[0], first);
    assert.ok(Math.abs((values[1] ?? NaN) - second) < 1e-12);
  });

  it("asks only available clients, and does not wait for clients that go away", async () => {
    const trace = Trace.parse(`${head}a,1,,0,10\nb,2,,1,10\nc,3,,0,2\nd,4,,0,10\n`, "d.csv");
    const [first, second] = await playRecords(createTrial({}), trace);
    assert.deepEqual(
      first?.clients.map(({ clientId, seconds }) => [clientId, seconds]),
      [
        ["c00", 1],
        ["c02", 2],
        ["c03", 4],
      ],
    );
    assert.deepEqual(listStragglers(first), ["c02"]);
    assert.match(first.clients[1]?.failure?.message ?? "", /^it went away after 2 s of simulated/);
    assert.deepEqual(
      second?.clients.map(({ clientId }) => clientId),
      ["c00", "c01", "c03"],
    );
    assert.equal(second.clock, 8);
  });

  it("waits until a client becomes available", async () => {
    const trace = Trace.parse(`${head}a,1,,5,7\n`, "d.csv");
    const records = await playRecords(createTrial({ rounds: 3 }), trace);
    assert.deepEqual(
      records.map(({ clock }) => clock),
      [6, 7, 13],
    );
  });

  it("gives the same records when it resumes from a stored state", async () => {
    for (const schedule of [
      { name: "semi-synchronous", fraction: 0.5 },
      { name: "buffered", buffer: 2 },
    ]) {
      const devices = { seconds: { median: 5, sigma: 1 }, jitter: 0.5, available: 0.8 };
      const trial = createTrial({
        schedule,
        devices,
        clients: 12,
        cohort: { count: 6 },
        rounds: 6,
      });
      const whole = await play(trial, plugins);
      const half = await play({ ...trial, rounds: 3 }, plugins);
      const from = deserialize(serialize(half.state)) as typeof half.state;
      const rest = await play(trial, plugins, { from });
      assert.deepEqual(
        [...half.rounds, ...rest.rounds].map(({ record }) => record),
        whole.rounds.map(({ record }) => record),
      );
      assert.ok(whole.rounds.some(({ record }) => record.clients.some(({ seconds }) => seconds)));
    }
  });
});
