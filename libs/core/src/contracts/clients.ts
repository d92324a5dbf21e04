/** Ids of all clients of a trial: `c00` … in order, wide enough to sort as text. */
export function clientIds(count: number): readonly string[] {
  // Asked for all over a process, and of a million clients 60 MB.
  if (last.length !== count) {
    const width = Math.max(2, String(count - 1).length);
    last = Array.from({ length: count }, (_, i) => `c${String(i).padStart(width, "0")}`);
  }
  return last;
}

let last: readonly string[] = [];

/** Where in `ids` a client is, -1 if it is none of them. At once where `ids` are all of a trial. */
export function clientIndex(ids: readonly string[], id: string): number {
  const index = Number(id.slice(1));
  return ids[index] === id ? index : ids.indexOf(id);
}

/** How an entry of `attacks` says whom it contaminates; exactly one key is present. */
export interface Attacked {
  readonly clients?: readonly string[] | undefined;
  readonly count?: number | undefined;
  readonly fraction?: number | undefined;
}

/** How many of `clients` an entry contaminates; a fraction is rounded to the nearest client. */
export function countAttacked(entry: Attacked, clients: number): number {
  return entry.clients?.length ?? entry.count ?? Math.round((entry.fraction ?? 0) * clients);
}
