import type { Answer, Update, Work } from "@fedclair/core";
import type { WorkId } from "../src/codec/work-id.js";
import { SocketPool, type SocketPoolOptions } from "../src/socket-pool.js";

export const never: AbortSignal = new AbortController().signal;

/** A pool for clients c0 … on a free port. */
export function listenFor(
  count: number,
  options: Partial<SocketPoolOptions> = {},
): Promise<SocketPool> {
  const clientIds = Array.from({ length: count }, (_, i) => `c${i}`);
  return SocketPool.listen({ clientIds, trialJson: '{"name":"test"}', ...options });
}

/** Training of round 1 by the given clients; everything is admitted. */
export function workFor(clientIds: readonly string[], changes: Partial<Work> = {}): Work {
  return {
    round: 1,
    phase: "train",
    kind: "train",
    clientIds,
    global: new Map([["w", { shape: [2], data: Float32Array.of(1, 2) }]]),
    personal: new Map(),
    admit: () => undefined,
    ...changes,
  };
}

export function updateOf(clientId: string, value = 0): Update {
  const delta = new Map([["w", { shape: [2], data: Float32Array.of(value, -0) }]]);
  return { clientId, numExamples: 1, delta, metrics: {} };
}

export async function collect(
  pool: SocketPool,
  work: Work,
  signal = never,
): Promise<ReadonlyMap<string, Answer>> {
  const arrivals = new Map<string, Answer>();
  for await (const arrival of pool.run(work, signal)) arrivals.set(arrival.clientId, arrival);
  return arrivals;
}

/** "ok" or the code of the failure, by client in alphabetical order. */
export function codes(arrivals: ReadonlyMap<string, Answer>): Record<string, string> {
  const entries = [...arrivals].map(([id, arrival]): [string, string] => [
    id,
    "update" in arrival ? "ok" : arrival.failure.code,
  ]);
  return Object.fromEntries(entries.sort());
}

/** The id of `workFor`, in a pool that does its first work. */
export const trained: WorkId = { serial: 1, round: 1, phase: "train", kind: "train" };
