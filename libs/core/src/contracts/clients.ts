/**
 * Returns the id of a client of a trial: `c00` …, padded so that ids sort as text.
 * @param index 0 … count - 1
 * @param count the number of clients of the trial
 */
export function clientIdAt(index: number, count: number): string {
  return `c${String(index).padStart(Math.max(2, String(count - 1).length), "0")}`;
}

/**
 * Lists the ids of all clients of a trial in order. The list of a million clients takes 60 MB, so a
 * process that needs single clients only uses `clientIdAt` and `clientIndexOf`.
 */
export function clientIds(count: number): readonly string[] {
  if (last.length !== count) last = Array.from({ length: count }, (_, i) => clientIdAt(i, count));
  return last; // kept, because many places call this
}

let last: readonly string[] = [];

/** Returns the index of a client in a trial of `count` clients, or -1 if there is none. */
export function clientIndexOf(id: string, count: number): number {
  const index = Number(id.slice(1));
  const isOne = Number.isInteger(index) && index >= 0 && index < count;
  return isOne && clientIdAt(index, count) === id ? index : -1;
}

/**
 * Returns the index of a client in `ids`, or -1. This takes constant time if `ids` are all clients
 * of a trial.
 */
export function clientIndex(ids: readonly string[], id: string): number {
  const index = Number(id.slice(1));
  return ids[index] === id ? index : ids.indexOf(id);
}

/** The clients that an entry of `attacks` contaminates; exactly one key is present. */
interface Attacked {
  readonly clients?: readonly string[] | undefined;
  readonly count?: number | undefined;
  readonly fraction?: number | undefined;
}

/** Counts the clients that an entry contaminates; a fraction is rounded to the nearest client. */
export function countAttacked(entry: Attacked, clients: number): number {
  return entry.clients?.length ?? entry.count ?? Math.round((entry.fraction ?? 0) * clients);
}
