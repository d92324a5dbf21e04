import type { AggregatorInput, Update } from "@fedclair/core";
import type { Memory } from "./locate.js";
import type { ClairOptions } from "./options.js";

/** What CLAIR knows of earlier rounds, by phase: updates of different phases need not have the same modules. Plain data. */
export type ClairState = ReadonlyMap<string, PhaseState>;

export interface PhaseState {
  /** ln of every client's score, as blended in the last round that judged it. */
  readonly memory: Memory;
  /** The newest update of every client in the window, by client id, the oldest first. */
  readonly window: ReadonlyMap<string, Seen>;
}

interface Seen {
  readonly round: number;
  readonly update: Update;
}

type Round = Pick<AggregatorInput, "round" | "phase" | "updates">;

/** What earlier rounds of this phase say: the clients' memory, and the updates in the window of those that take no part now. */
export function earlier(
  state: ClairState,
  { round, phase, updates }: Round,
  { window }: Pick<ClairOptions, "window">,
): { readonly memory: Memory; readonly past: readonly Update[] } {
  const known = state.get(phase);
  const present = new Set(updates.map(({ clientId }) => clientId));
  const past = [...(known?.window.values() ?? [])].filter(
    (seen) => seen.round > round - window && !present.has(seen.update.clientId),
  );
  return { memory: known?.memory ?? new Map(), past: past.map(({ update }) => update) };
}

/**
 * The state after a round: of its phase with these updates and scores, of all phases without what the next round cannot use.
 * @param scores ln of the scores of the clients that were judged
 */
export function stateAfter(
  state: ClairState,
  { round, phase, updates }: Round,
  scores: Memory,
  { window, memoryBeta }: Pick<ClairOptions, "window" | "memoryBeta">,
): ClairState {
  const known = state.get(phase);
  const newest = new Map(known?.window);
  for (const update of updates) {
    newest.delete(update.clientId); // it moves to the end
    newest.set(update.clientId, { round, update });
  }
  const memory = new Map([...(known?.memory ?? []), ...(memoryBeta > 0 ? scores : [])]);
  const phases = new Map(state).set(phase, { memory, window: newest });
  return new Map([...phases].map(([name, of]) => [name, { ...of, window: recent(of.window) }]));

  function recent(seen: PhaseState["window"]): PhaseState["window"] {
    return new Map([...seen].filter(([, { round: then }]) => then > round + 1 - window));
  }
}
