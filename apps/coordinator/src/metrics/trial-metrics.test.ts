import assert from "node:assert/strict";
import { UserError } from "@fedclair/core";
import type { ClientRecord, RoundRecord } from "@fedclair/core/internal";
import { toyTrial } from "@fedclair/core/testing";
import type { ArmEvent } from "@fedclair/runs";
import { serveMetrics, type MetricsServer } from "./serve.js";
import { TrialMetrics, type ObservedPool } from "./trial-metrics.js";

const trial = toyTrial({
  clients: 5,
  rounds: 3,
  seed: 7,
  baselines: [{ label: 'a "b"\\', aggregator: { name: "toy-mean" } }],
});

const pool: ObservedPool = {
  joined: { hosts: 2, clients: 5 },
  traffic: { bytesSent: 1000, bytesReceived: 30, refused: new Map([["BAD_TOKEN", 4]]) },
};

const failure = { code: "HOST_LOST", message: "gone" } as const;
const refused = { code: "NON_FINITE", message: "NaN" } as const;
const clients: ClientRecord[] = [
  { clientId: "c0", attack: null, failure: null, verdict: "benign", evaluation: { loss: 2 } },
  { clientId: "c1", attack: null, failure: null, verdict: "benign", evaluation: { loss: 4 } },
  { clientId: "c2", attack: "toy-shift", failure: null, verdict: "contaminated" },
  { clientId: "c3", attack: null, failure },
  { clientId: "c4", attack: null, failure: refused },
];
const [arm] = [{ label: "toy-mean", choice: trial.aggregator, benignOnly: false }];

/** Creates the events of one round of the main arm. */
function round(number: number): ArmEvent[] {
  const record: RoundRecord = {
    round: number,
    phase: "train",
    clients,
    metrics: {},
    bytes: { down: 0, up: 0 },
  };
  const timing = { sample: 0, train: 2, aggregate: 0.5, evaluate: 1 };
  const cohort = clients.map(({ clientId }) => clientId);
  return [
    { arm, event: { kind: "sampled", round: number, cohort } },
    { arm, event: { kind: "round", record, timing, artifacts: {}, state: {} as never } },
  ];
}

/** Lists the lines of fedclair's own series, without comments. */
async function readSeries(metrics: TrialMetrics): Promise<string[]> {
  return (await metrics.text()).split("\n").filter((line) => line.startsWith("fedclair_"));
}

describe("TrialMetrics", () => {
  it("counts rounds, clients, failures and bytes", async () => {
    const metrics = new TrialMetrics(trial, pool, "loss");
    for (const event of [...round(1), ...round(2)]) metrics.event(event);
    const own = 'arm="toy-mean"';
    const other = String.raw`arm="a \"b\"\\"`;
    const lines = await readSeries(metrics);
    assert.match(
      lines.shift() ?? "",
      /^fedclair_trial_info\{trial="[a-z-]+",seed="7",version=".+"\} 1$/,
    );
    assert.deepEqual(lines, [
      `fedclair_rounds_done{${own}} 2`,
      `fedclair_rounds_done{${other}} 0`,
      `fedclair_rounds_planned{${own}} 3`,
      `fedclair_rounds_planned{${other}} 3`,
      `fedclair_arm_stopped{${own}} 0`,
      `fedclair_arm_stopped{${other}} 0`,
      `fedclair_clients_sampled_total{${own}} 10`,
      `fedclair_updates_accepted_total{${own}} 6`,
      `fedclair_client_failures_total{${own},stage="train",code="HOST_LOST"} 2`,
      `fedclair_client_failures_total{${own},stage="train",code="NON_FINITE"} 2`,
      `fedclair_clients_lost_total{${own},code="HOST_LOST"} 2`,
      `fedclair_clients_flagged{${own}} 1`,
      `fedclair_stage_seconds_total{${own},stage="train"} 4`,
      `fedclair_stage_seconds_total{${own},stage="aggregate"} 1`,
      `fedclair_stage_seconds_total{${own},stage="evaluate"} 2`,
      `fedclair_primary_metric{${own},metric="loss"} 3`,
      "fedclair_hosts_joined 2",
      "fedclair_clients_held 5",
      "fedclair_sent_bytes_total 1000",
      "fedclair_received_bytes_total 30",
      'fedclair_messages_refused_total{code="BAD_TOKEN"} 4',
    ]);
    assert.deepEqual((await readSeries(metrics)).slice(1), lines, "a request changes nothing");
  });

  it("has a help text for each series, and process metrics", async () => {
    const text = await new TrialMetrics(trial, pool).text();
    const names = new Set([...text.matchAll(/^([a-z_]+)(?:\{| )/gm)].map(([, name = ""]) => name));
    for (const name of names) {
      if (!name.startsWith("fedclair_")) continue;
      assert.match(text, new RegExp(`^# HELP ${name} .{10,}\\.$`, "m"));
      assert.match(
        text,
        new RegExp(`^# TYPE ${name} ${name.endsWith("_total") ? "counter" : "gauge"}$`, "m"),
      );
    }
    assert.ok(
      names.has("process_resident_memory_bytes") && names.has("nodejs_eventloop_lag_seconds"),
    );
  });

  it("starts at the rounds of a resumed run, and reports a stopped arm", async () => {
    const metrics = new TrialMetrics(trial, pool);
    metrics.resumed(new Map([["toy-mean", 2]]));
    metrics.event({ arm, event: { kind: "stopped", where: "", reason: "no fit" } });
    const lines = await readSeries(metrics);
    assert.ok(lines.includes('fedclair_rounds_done{arm="toy-mean"} 2'));
    assert.ok(lines.includes('fedclair_arm_stopped{arm="toy-mean"} 1'));
  });
});

describe("serveMetrics", () => {
  let server: MetricsServer;
  let failed: string | undefined;
  before(async () => {
    server = await serveMetrics(
      { host: "127.0.0.1", port: 0 },
      {
        contentType: "text/plain; version=0.0.4",
        text: () => Promise.resolve("fedclair_x 1\n"),
      },
      () => ({ trial: "pilot", round: 2, ...(failed !== undefined && { failure: failed }) }),
    );
  });
  after(() => server.close());

  it("answers 200 while the trial runs, and 503 with the reason once it has failed", async () => {
    const healthy = await fetch(`${server.url}/healthz`);
    assert.deepEqual([healthy.status, await healthy.json()], [200, { trial: "pilot", round: 2 }]);
    failed = "round 2: no quorum";
    const unhealthy = await fetch(`${server.url}/healthz`);
    const expected = { trial: "pilot", round: 2, failure: failed };
    assert.deepEqual([unhealthy.status, await unhealthy.json()], [503, expected]);
  });

  it("answers no other requests", async () => {
    const metrics = await fetch(`${server.url}/metrics?name=x`);
    assert.equal(await metrics.text(), "fedclair_x 1\n");
    assert.equal(metrics.headers.get("content-type"), "text/plain; version=0.0.4");
    assert.equal((await fetch(`${server.url}/`)).status, 404);
    assert.equal((await fetch(`${server.url}/metrics`, { method: "POST", body: "x" })).status, 405);
  });

  it("reports an address that is in use", async () => {
    const port = Number(new URL(server.url).port);
    await assert.rejects(
      serveMetrics({ host: "127.0.0.1", port }, {} as never, () => ({})),
      (error: unknown) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, /^--metrics: cannot listen on 127\.0\.0\.1:\d+: EADDRINUSE;/);
        return true;
      },
    );
  });
});
