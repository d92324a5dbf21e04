import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RoundRecord } from "@fedclair/core/internal";
import { start, type Command, type CommandOptions } from "./command.js";

/** A line of `records.jsonl`. */
export type RecordLine = { readonly arm: string } & RoundRecord;

export async function readRecords(run: string): Promise<RecordLine[]> {
  const text = await readFile(join(run, "records.jsonl"), "utf8");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as RecordLine);
}

/** Reads the files of a run that must not depend on how the trial was run. */
export async function readResultBytes(run: string): Promise<{ records: string; params: string }> {
  const [records, params] = await Promise.all(
    ["records.jsonl", "params.safetensors"].map((file) => readFile(join(run, file), "base64")),
  );
  if (!records || !params) throw new Error(`${run}: an empty file`);
  return { records, params };
}

/** Lists the failures in a record, for example `c3 HOST_LOST`. */
export function listFailures({ clients }: RecordLine): string[] {
  return clients.flatMap(({ clientId, failure }) =>
    failure ? [`${clientId} ${failure.code}`] : [],
  );
}

/** Starts a coordinator and waits until it listens. */
export async function startCoordinator(
  args: readonly string[],
  options?: CommandOptions,
): Promise<{ coordinator: Command; url: string }> {
  const coordinator = start(["coordinator", ...args], options);
  return { coordinator, url: await coordinator.waitForOutput(/listening on (https?:[^"\s]+)/) };
}

/** Starts a client host. */
export function startHost(
  url: string,
  capacity: number,
  options?: CommandOptions,
  args: readonly string[] = [],
): Command {
  const host = ["client", "--coordinator", url, "--capacity", String(capacity)];
  return start([...host, ...args], options);
}
