import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalTrainer, Params, Task, TaskPlugin, TrainResult } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { startOf } from "./coordinator.js";

/** The stream from which `trainClient` draws. */
export const ownDataRng = stream("own data test");

/** Files of the user's own data. */
interface DataFolder {
  /** Writes a file and returns its path. */
  write(name: string, content: string): Promise<string>;
  /** Writes rows as a CSV file and returns its path. */
  writeRows(rows: readonly (readonly (string | number)[])[]): Promise<string>;
}

/** Provides a temporary folder for the tests of the surrounding suite. */
export function useDataFolder(): DataFolder {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-own-data-"));
  });
  after(() => rm(folder, { recursive: true }));
  const write = async (name: string, content: string) => {
    const file = join(folder, name);
    await writeFile(file, content);
    return file;
  };
  return {
    write,
    writeRows: (rows) => write("data.csv", rows.map((row) => row.join()).join("\n")),
  };
}

/** Creates a task with options as a trial file states them. */
export async function createTask(plugin: TaskPlugin, options: object): Promise<Task> {
  return await plugin.create(plugin.schema.parse(options) as never);
}

/** The training of one client in the first round. */
export interface TrainedClient {
  readonly trainer: LocalTrainer;
  readonly params: Params;
  readonly result: TrainResult;
}

/** Trains one of `count` clients from the params with which the task starts. */
export async function trainClient(
  task: Task,
  index: number,
  count: number,
  phase = "train",
): Promise<TrainedClient> {
  const trainer = await task.openShard({ index, count, rng: ownDataRng.at("client", index) });
  const clientIds = Array.from({ length: count }, (_, i) => `c${i}`);
  const params = await startOf(task, ownDataRng, clientIds);
  const rng = ownDataRng.at("round");
  const { signal } = new AbortController();
  const result = await trainer.train({ round: 1, phase, params, rng, common: rng, signal });
  return { trainer, params, result };
}

/** Returns the numbers of a module of an update. */
export function numbersOf({ delta }: TrainResult, name: string): readonly number[] {
  const module = delta.get(name);
  assert.ok(module && "data" in module);
  return [...module.data];
}
