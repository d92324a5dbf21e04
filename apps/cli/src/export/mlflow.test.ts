import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { UserError } from "@fedclair/core";
import { linkTimings } from "@fedclair/runs";
import { exportRun } from "./export.js";

type Body = Record<string, unknown> & {
  metrics?: Record<string, unknown>[];
  params?: { key: string; value: string }[];
};

interface Request {
  readonly call: string;
  readonly body: Body;
}

describe("export to mlflow", () => {
  let run: string;
  let server: Server;
  let url: string;
  let requests: Request[];
  /** The server's answers by call; a number is a status. */
  let answers: Record<string, object | number>;

  beforeEach(async () => {
    run = await mkdtemp(join(tmpdir(), "fedclair-"));
    const info = { hash: "0f", version: "0.1.0", started: "2026-01-01T00:00:00.000Z" };
    await writeFile(join(run, "run.json"), JSON.stringify({ ...info, backend: "wasm" }));
    await writeFile(
      join(run, "trial.yaml"),
      [
        "name: toy & co",
        "seed: 7",
        "rounds: 150",
        "clients: 2",
        "task: { name: digits, model: mlp }",
        "aggregator: { name: clair, rank: 3 }",
        "baselines: [{ label: local, aggregator: { name: local } }]",
        "attacks: []",
        "limits: {}",
      ].join("\n"),
    );
    await writeFile(
      join(run, "summary.json"),
      JSON.stringify({ arms: [], stopped: {}, measures: {}, details: [] }),
    );
    const rounds = [
      ...Array.from({ length: 150 }, (_, i) => ({ arm: "clair", round: i + 1 })),
      { arm: "local", round: 1 },
    ];
    const records = rounds.map((round) => {
      const metrics = { "gap:é": round.round };
      return { ...round, phase: "train", clients: [], metrics, bytes: { down: 2, up: 1 } };
    });
    const seconds = { sample: 0, train: 1, aggregate: 0.5, evaluate: 0.5 };
    const timings = rounds.map((round) => ({
      ...round,
      seconds,
      writeSeconds: 0,
      coordinatorRss: 9,
    }));
    const lines = (values: readonly object[]) =>
      values.map((value) => JSON.stringify(value) + "\n");
    const linked = await linkTimings("0f", lines(records), timings);
    await writeFile(join(run, "records.jsonl"), lines(records).join(""));
    await writeFile(join(run, "timings.jsonl"), lines(linked.timings).join(""));

    requests = [];
    let created = 0;
    answers = { "GET experiments/get-by-name?experiment_name=toy%20%26%20co": 404 };
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const [, path = ""] = (request.url ?? "").split("/tracking/api/2.0/mlflow/");
        const call = `${request.method ?? ""} ${path}`;
        requests.push({ call, body: JSON.parse(body || "{}") as Body });
        if (call === "POST runs/create") created++;
        const known: Record<string, object | number> = {
          "POST experiments/create": { experiment_id: "3" },
          "POST runs/create": { run: { info: { run_id: `r${created}` } } },
          ...answers,
        };
        const answer = known[call] ?? {};
        response.writeHead(typeof answer === "number" ? answer : 200);
        response.end(typeof answer === "number" ? "no\u001b[2J" : JSON.stringify(answer));
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tracking/`;
  });
  afterEach(async () => {
    server.close();
    server.closeAllConnections();
    await rm(run, { recursive: true });
  });

  const bodies = (call: string) =>
    requests.filter((request) => request.call === call).map(({ body }) => body);

  it("creates a run for each arm and logs its metrics in batches of a thousand", async () => {
    const began = Date.UTC(2026, 0, 1);
    const places = await exportRun(run, { to: "mlflow", url });
    assert.deepEqual(
      places,
      ["r1", "r2"].map((id) => `${url}#/experiments/3/runs/${id}`),
    );
    assert.deepEqual(bodies("POST experiments/create"), [{ name: "toy & co" }]);
    const [first, second] = bodies("POST runs/create");
    assert.equal(second?.["run_name"], "toy & co-7-local");
    assert.deepEqual(first, {
      experiment_id: "3",
      run_name: "toy & co-7-clair",
      start_time: began,
      tags: [
        { key: "fedclair.trial", value: "toy & co" },
        { key: "fedclair.seed", value: "7" },
        { key: "fedclair.arm", value: "clair" },
        { key: "fedclair.hash", value: "0f" },
        { key: "fedclair.version", value: "0.1.0" },
        { key: "fedclair.backend", value: "wasm" },
      ],
    });
    const params = bodies("POST runs/log-batch").filter(({ params }) => params);
    const ofTrial = {
      name: "toy & co",
      seed: "7",
      rounds: "150",
      clients: "2",
      "task.name": "digits",
      "task.model": "mlp",
    };
    assert.deepEqual(
      params.map(({ run_id, params = [] }) => [
        run_id,
        Object.fromEntries(params.map(({ key, value }) => [key, value])),
      ]),
      [
        ["r1", { ...ofTrial, "aggregator.name": "clair", "aggregator.rank": "3" }],
        ["r2", { ...ofTrial, "aggregator.name": "local" }],
      ],
    );
    const logged = bodies("POST runs/log-batch").filter(({ metrics }) => metrics);
    const sizes = logged.map(({ run_id, metrics }) => [run_id, metrics?.length]);
    assert.deepEqual(sizes, [
      ["r1", 1000],
      ["r1", 150 * 13 - 1000],
      ["r2", 13],
    ]);
    const ofClair = logged.slice(0, 2).flatMap(({ metrics = [] }) => metrics);
    const gaps = ofClair.filter(({ key }) => key === "global/gap__");
    assert.deepEqual(
      gaps,
      Array.from({ length: 150 }, (_, i) => {
        const timestamp = began + 2000 * (i + 1);
        return { key: "global/gap__", value: i + 1, timestamp, step: i + 1 };
      }),
    );
    const end = { status: "FINISHED", end_time: began + 2000 * 151 };
    const ends = bodies("POST runs/update").map(({ status, end_time }) => ({ status, end_time }));
    assert.deepEqual(ends, [end, end]);
  });

  it("uses an existing experiment", async () => {
    answers = {
      "GET experiments/get-by-name?experiment_name=toy%20%26%20co": {
        experiment: { experiment_id: "12" },
      },
    };
    await exportRun(run, { to: "mlflow", url });
    assert.equal(bodies("POST experiments/create").length, 0);
    assert.equal(bodies("POST runs/create")[0]?.["experiment_id"], "12");
  });

  it("reports a rejected request and marks the run as failed", async () => {
    answers["POST runs/log-batch"] = 400;
    await rejects({ to: "mlflow", url }, /\/runs\/log-batch: 400: no\\u\{1b\}\[2J$/);
    assert.deepEqual(bodies("POST runs/update"), [{ run_id: "r1", status: "FAILED" }]);
  });

  it("reports a missing server, a server that is not MLflow, and missing options", async () => {
    await rejects({ to: "mlflow", url: "http://127.0.0.1:1" }, /is a tracking server there\?$/);
    answers["POST experiments/create"] = { hello: 1 };
    await rejects({ to: "mlflow", url }, /expected experiment_id in the answer/);
    await rejects({ to: "mlflow", url: "file:///x" }, /--url: expected http:\/\/host:port, got/);
    await rejects({ to: "mlflow" }, /--to mlflow: expected --url/);
    await rejects({ to: "csv" }, /--to csv: expected --out/);
  });

  async function rejects(options: Parameters<typeof exportRun>[1], message: RegExp): Promise<void> {
    await assert.rejects(exportRun(run, options), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});
