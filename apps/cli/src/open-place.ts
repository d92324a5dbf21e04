import { ClientRunner, MemoryPool, type PreparedTrial } from "@fedclair/core/internal";
import { watchClients, watchServer, type WatchedEvents } from "@fedclair/plugins";
import type { TrialPlace } from "@fedclair/runs";

/**
 * Opens the place where all clients of a trial run in this process. Code from outside runs in
 * threads, which can be ended.
 * @param backend the TensorFlow.js backend that trains
 */
export function openPlace(
  prepared: PreparedTrial,
  backend: string,
  events: WatchedEvents = {},
): TrialPlace {
  const runner = watchClients(prepared, backend, events) ?? new ClientRunner(prepared, events);
  return { pool: new MemoryPool(runner), server: watchServer(prepared, backend) };
}
