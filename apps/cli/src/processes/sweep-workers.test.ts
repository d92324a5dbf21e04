import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { SweepWorkers } from "./sweep-workers.js";

const sweep = `name: outside
rounds: 1
clients: 6
seeds: 2
task: { name: external }
python: model:make_client
aggregator: { name: fedavg }
`;

describe("SweepWorkers", () => {
  let folder = "";
  let workers: SweepWorkers | undefined;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-workers-"));
  });
  afterEach(() => workers?.close());
  after(() => rm(folder, { recursive: true }));

  it("run Python code of a queued sweep only if the worker's operator allows it, also after one was stopped", async () => {
    const file = join(folder, "sweep.yaml");
    await writeFile(file, sweep);
    const queued = { copy: file, modules: [], allowed: [] };
    const place = { file, out: folder, set: [], queued };
    workers = new SweepWorkers(place, 1, new AbortController().signal);
    const own = workers;
    const isRefused = () =>
      assert.rejects(own.ask({ id: "0123456789abcdef" }), (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, /its Python code runs only where .* --python INTERPRETER/);
        return true;
      });
    await isRefused();
    // The process is killed, but has received its trial, and may reply to it.
    const stop = new AbortController();
    const stopped = own.ask({ id: "0123456789abcdef" }, stop.signal);
    stop.abort();
    await assert.rejects(stopped, { name: "AbortError" });
    await isRefused();
  });
});
