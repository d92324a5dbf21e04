import assert from "node:assert/strict";
import type { LocalTrainer, Params, Task, TaskPlugin, TrainResult } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { loadTabTask, type ChosenFile, type ReadData } from "../src/browser.js";
import { startOf } from "./coordinator.js";

/** Streams have a position, so every use needs one of its own. */
const newStream = () => stream("chosen data test");

/** A file as a browser tab has it. */
export function chosenFile(path: string, content: string | Uint8Array<ArrayBuffer>): ChosenFile {
  return { path, content: new Blob([content]) };
}

export async function createFresh(plugin: TaskPlugin, options: object): Promise<Task> {
  return await plugin.create(plugin.schema.parse(options) as never);
}

/** Creates a task as a tab does whose user has chosen these files. */
export async function createInTab(
  name: string,
  options: object,
  files: readonly ChosenFile[] | undefined,
): Promise<{ readonly task: Task; readonly read: ReadData | undefined }> {
  let read: ReadData | undefined;
  const onRead = (data: ReadData) => {
    read = data;
  };
  const plugin = await loadTabTask(name, files && { files, onRead });
  assert.ok(plugin);
  const task = await createFresh(plugin, options);
  return { task, read };
}

/** What a client answers in its first round, and how it measures its own change. */
interface FirstRound {
  readonly trainer: LocalTrainer;
  readonly trained: TrainResult;
  readonly measured: TrainResult | undefined;
}

/** Opens a client and lets it train once. @param params those of the coordinator */
export async function trainOnce(
  task: Task,
  params: Params,
  index: number,
  count: number,
): Promise<FirstRound> {
  const trainer = await task.openShard({ index, count, rng: newStream() });
  const { signal } = new AbortController();
  const [rng, common] = [newStream(), newStream()];
  const job = { round: 1, phase: "train", params, rng, common, signal };
  return {
    trainer,
    trained: await trainer.train(job),
    measured: await trainer.evaluate?.(params),
  };
}

/** Returns the params from which a task with one client starts. */
export function firstParams(task: Task): Promise<Params> {
  return startOf(task, newStream(), ["c0"]);
}
