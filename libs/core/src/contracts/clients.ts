/** Lists the ids of all clients of a trial in order: `c00` …, padded so that they sort as text. */
export function clientIds(count: number): readonly string[] {
  // Cached, because many places call this, and the ids of a million clients take 60 MB.
  if (last.length !== count) {
    const width = Math.max(2, String(count - 1).length);
    last = Array.from({ length: count }, (_, i) => `c${String(i).padStart(width, "0")}`);
  }
  return last;
}

let last: readonly string[] = [];

/**
 * Returns the index of a client in `ids`, or -1. This takes constant time if `ids` are all clients
 * of a trial.
 */
export function clientIndex(ids: readonly string[], id: string): number {
  const index = Number(id.slice(1));
  return ids[index] === id ? index : ids.indexOf(id);
}

/** The clients that an entry of `attacks` contaminates; exactly one key is present. */
export interface Attacked {
  readonly clients?: readonly string[] | undefined;
  readonly count?: number | undefined;
  readonly fraction?: number | undefined;
}

/** Counts the clients that an entry contaminates; a fraction is rounded to the nearest client. */
export function countAttacked(entry: Attacked, clients: number): number {
  return entry.clients?.length ?? entry.count ?? Math.round((entry.fraction ?? 0) * clients);
}
