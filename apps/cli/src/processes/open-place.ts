import {
  ClientRunner,
  MemoryPool,
  readPythonClients,
  type PreparedTrial,
} from "@fedclair/core/internal";
import { watchClients, watchServer, type WatchedEvents } from "@fedclair/plugins";
import type { PythonPlaceOptions } from "./python-place.js";
import type { OpenPlace, TrialPlace } from "@fedclair/runs";

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

/** Opens the places of trials: this process, or hosts of their own for Python clients. */
export function placesWith(options: PythonPlaceOptions): OpenPlace {
  return async (prepared, backend) => {
    const clients = readPythonClients(prepared.trial);
    if (!clients) return openPlace(prepared, backend);
    const { openPythonPlace } = await import("./python-place.js");
    return await openPythonPlace(prepared, clients, backend, options);
  };
}
