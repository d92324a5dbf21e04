import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeSafetensors, encodeSafetensors, UserError, type Dense } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { splitRows } from "@fedclair/tasks/shared";
import { aggregateUpdates } from "./aggregate-updates.js";
import { divideSamples } from "./divide-samples.js";

describe("the service of the Python package", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-service-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Writes an update with one module of two numbers. */
  async function update(clientId: string, numbers: readonly number[], numExamples = 1) {
    const file = join(folder, clientId);
    const tensor: Dense = { shape: [numbers.length], data: Float64Array.from(numbers) };
    await writeFile(file, encodeSafetensors(new Map([["0", tensor]])));
    return { clientId, numExamples, file, delta: [["w", ["0"]]] as [string, [string]][] };
  }

  const request = (updates: Awaited<ReturnType<typeof update>>[], changes: object = {}) => ({
    call: "aggregate" as const,
    aggregator: "fedavg",
    set: [],
    seed: 1,
    updates,
    state: null,
    out: join(folder, "out"),
    newState: join(folder, "state"),
    ...changes,
  });

  it("aggregates updates in files, and writes the change into another", async () => {
    const updates = [await update("a", [1, 2]), await update("b", [3, 6], 3)];
    const { round, change, verdicts } = await aggregateUpdates(request(updates));
    const { params } = decodeSafetensors(await readFile(join(folder, "out")));
    const [[[module, [name = ""]] = ["", []]] = []] = change;
    assert.deepEqual([round, module, verdicts], [1, "w", []]);
    assert.deepEqual([...(params.get(name)?.data ?? [])], [2.5, 5]);
  });

  it("leaves an update out that other clients' shapes or finite numbers exclude", async () => {
    const updates = [
      await update("a", [1, 2]),
      await update("b", [3]),
      await update("c", [1, NaN]),
    ];
    const { verdicts } = await aggregateUpdates(request(updates));
    assert.deepEqual(
      verdicts.map(({ clientId, status }) => [clientId, status]),
      [
        ["b", "invalid"],
        ["c", "invalid"],
      ],
    );
  });

  it("counts rounds in the state, and rejects the state of another aggregator", async () => {
    const updates = [await update("a", [1, 2])];
    await aggregateUpdates(request(updates));
    const state = join(folder, "state");
    const second = request(updates, { state, newState: join(folder, "state-2") });
    assert.equal((await aggregateUpdates(second)).round, 2);
    await assert.rejects(
      aggregateUpdates({ ...second, aggregator: "coordinate-median" }),
      (error) =>
        error instanceof UserError && /'fedavg', not 'coordinate-median'/.test(error.message),
    );
  });

  it("takes the shapes of most clients, whoever comes first", async () => {
    const updates = [await update("a", [9]), await update("b", [1, 2]), await update("c", [3, 4])];
    const { verdicts } = await aggregateUpdates(request(updates));
    assert.deepEqual(
      verdicts.filter(({ status }) => status === "invalid").map(({ clientId }) => clientId),
      ["a"],
    );
    const { params } = decodeSafetensors(await readFile(request(updates).out));
    assert.deepEqual(
      [...params.values()].map(({ data }) => [...data]),
      [[2, 3]],
    );
  });

  it("divides samples as a task does", async () => {
    const labels = Int32Array.from({ length: 300 }, (_, i) => i % 10);
    await writeFile(join(folder, "labels"), labels);
    const { counts } = await divideSamples({
      call: "partition",
      labels: join(folder, "labels"),
      by: "dirichlet",
      set: ["alpha=0.3", "minimum=3"],
      clients: 12,
      withheld: 0,
      seed: 5,
      out: join(folder, "parts"),
    });
    const partition = { by: "dirichlet", alpha: 0.3, minimum: 3 } as const;
    const task = splitRows(
      { rows: 300 },
      { partition, dataSeed: 5, minimum: 1, labels: [...labels] },
    );
    const parts = counts.map((_, client) => [...task.of(client, 12)]);
    const bytes = await readFile(join(folder, "parts"));
    const all = [...new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
    assert.deepEqual(
      counts,
      parts.map(({ length }) => length),
    );
    assert.deepEqual(all, parts.flat());
  });

  it("gives nobody the samples that the task digits withholds", async () => {
    const labels = Int32Array.from({ length: 100 }, (_, i) => i % 10);
    await writeFile(join(folder, "labels"), labels);
    const { counts } = await divideSamples({
      call: "partition",
      labels: join(folder, "labels"),
      by: "iid",
      set: [],
      clients: 9,
      withheld: 10,
      seed: 5,
      out: join(folder, "parts"),
    });
    assert.deepEqual(counts, Array<number>(9).fill(10));
    const bytes = await readFile(join(folder, "parts"));
    const given = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const withheld = stream(5)
      .at("order")
      .sample(Array.from(labels, (_, i) => i))
      .slice(0, 10);
    assert.deepEqual(
      Array.from(labels.keys()).filter((i) => !given.includes(i)),
      withheld.sort((x, y) => x - y),
    );
  });
});
