import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Trial } from "@fedclair/core/internal";
import { noDescription, readRun } from "@fedclair/runs";
import { createTestRun, writeTestRun } from "../../testing/test-run.js";
import { influenceSection } from "../report/influence-section.js";
import { findInfluences, influenceText } from "./influences.js";

const description = {
  ...noDescription,
  primary: "accuracy",
  metrics: { accuracy: { better: "higher", description: "share of right answers" } },
} as const;

describe("findInfluences", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "influences-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Writes a run of one round in which clients measured these accuracies. */
  const write = async (
    name: string,
    accuracies: Readonly<Record<string, number>>,
    { backend = "wasm", ...changes }: Partial<Trial> & { readonly backend?: string } = {},
  ) => {
    const made = createTestRun({ rounds: 1, clients: 3, baselines: [], ...changes }, {});
    const records = made.records.map((record) => {
      const clients = record.clients
        .filter(({ clientId }) => clientId in accuracies)
        .map((client) => {
          const { clientId: id } = client;
          const score = { c00: 0.4, c01: 3.2, c02: 0.8 }[id] ?? 0;
          return { ...client, score, evaluation: { accuracy: accuracies[id] ?? NaN } };
        });
      return { ...record, clients };
    });
    const info = { hash: "0", version: "1", started: "2026-01-01T00:00:00.000Z", backend };
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, "run.json"), JSON.stringify(info));
    await writeTestRun(join(folder, name), { ...made, records });
  };
  const without = (...clients: string[]) => ({ absent: [{ clients, from: 1 }] });
  const find = async () => {
    const run = await readRun(join(folder, "first"), description);
    return { run, influences: await findInfluences(run, join(folder, "first")) };
  };

  it("compares the clients that measured in both runs, those with the highest score first", async () => {
    await write("first", { c00: 0.5, c01: 0.1, c02: 0.7 });
    await write("first-without-c00", { c01: 0.1 + 2e-16, c02: 0.7 }, without("c00"));
    await write("first-without-c01", { c00: 0.8, c02: 0.9 }, without("c01"));
    const { run, influences } = await find();
    // The differences are 0.3 and 0.2; 12.706 · 0.0707 / √2 = 0.635 is half of Student's interval.
    assert.deepEqual(influences, [
      {
        folder: "first-without-c01",
        clients: ["c01"],
        from: 1,
        metric: "accuracy",
        measuredBy: "mean of the 2 clients that measured in both runs",
        withThem: "0.600",
        without: "0.850",
        difference: "+0.250 [-0.385, 0.885]",
      },
      {
        folder: "first-without-c00",
        clients: ["c00"],
        from: 1,
        metric: "accuracy",
        measuredBy: "mean of the 2 clients that measured in both runs",
        withThem: "0.400",
        without: "0.400",
        difference: "0 [0, 0]",
      },
    ]);
    assert.equal(
      influences.map(influenceText)[0],
      "without c01 from round 1 on, accuracy is 0.850 instead of 0.600 (+0.250 [-0.385, 0.885]; mean of the 2 clients that measured in both runs)",
    );
    const text = influenceSection(run, influences)
      ?.text.replace(/<[^>]*>/g, " ")
      .replace(/\s+/g, " ");
    assert.match(text ?? "", /higher is better/);
    assert.match(text ?? "", / c01 benign 2× 1 0\.850 0\.600 \+0\.250 \[-0\.385, 0\.885\] c00 /);
  });

  it("ignores replays of another seed or backend, unfinished ones, and other folders", async () => {
    await write("first", { c00: 0.5, c01: 0.1, c02: 0.7 });
    const left = { c00: 0.8, c02: 0.9 };
    await write("first-without-c01", left, { ...without("c01"), seed: 2 });
    await write("first-without-c01-from-2", left, { ...without("c01"), backend: "cpu" });
    await write("first-without-c01-b", left);
    await write("first-without-c01-c", left, without("c01"));
    await rm(join(folder, "first-without-c01-c", "summary.json"));
    assert.deepEqual((await find()).influences, []);
  });

  it("counts only the clients that a replay of a replay leaves out in addition", async () => {
    await write("first", { c00: 0.5, c02: 0.7 }, without("c01"));
    await write("first-without-c02", { c00: 0.75 }, without("c01", "c02"));
    const [influence] = (await find()).influences;
    assert.deepEqual(influence?.clients, ["c02"]);
    assert.equal(influence.difference, "+0.250");
    assert.equal(influence.measuredBy, "mean of the client that measured in both runs");
  });
});
