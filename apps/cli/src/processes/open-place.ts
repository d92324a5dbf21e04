import {
  ClientRunner,
  MemoryPool,
  readPythonClients,
  type PreparedTrial,
} from "@fedclair/core/internal";
import { watchClients, watchServer, type WatchedEvents } from "@fedclair/plugins";
import type { HostedPlaceOptions } from "./hosted-place.js";
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

/** Opens the places of trials: this process, or hosts of their own for clients that need them. */
export function placesWith(options: HostedPlaceOptions): OpenPlace {
  return async (prepared, backend) => {
    const python = readPythonClients(prepared.trial);
    if (!python && options.hosts === undefined) return openPlace(prepared, backend);
    const { openHostedPlace } = await import("./hosted-place.js");
    return await openHostedPlace(prepared, python, backend, options);
  };
}

/** Works in the place of a trial, and closes it. */
export async function inPlace<T>(
  opening: TrialPlace | Promise<TrialPlace>,
  work: (place: TrialPlace) => Promise<T>,
): Promise<T> {
  const place = await opening;
  try {
    return await work(place);
  } finally {
    await Promise.all([place.pool.close(), place.server?.close()]);
  }
}
