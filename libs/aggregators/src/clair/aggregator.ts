import {
  UserError,
  type Aggregation,
  type Aggregator,
  type AggregatorInput,
  type Update,
} from "@fedclair/core";
import type { Piscina } from "piscina";
import type { ClairOptions } from "./options.js";
import type { ClairJudgement, ClairRound } from "./round.js";
import { inSharedMemory } from "./shared-memory.js";

/** CLAIR with memory of earlier rounds, off the event loop: heartbeats go on while it computes. */
export class Clair implements Aggregator {
  readonly #options: ClairOptions;
  /** ln of every client's score, as blended in the last round that it took part in. */
  readonly #memory = new Map<string, number>();
  /** The newest update of every client in the window. */
  readonly #window = new Map<string, { readonly round: number; readonly update: Update }>();

  constructor(options: ClairOptions) {
    this.#options = options;
  }

  async aggregate({ round, updates, rng }: AggregatorInput): Promise<Aggregation> {
    // In secret order, so that no attacker can place itself on the clients that the search starts from; and from a secret seed, so that none
    // can hide in what a sketch does not see.
    const order = rng.sample([...updates.keys()]);
    const seed = (this.#options.seed + rng.at("seed").int(2 ** 32)) % 2 ** 32;
    const shared = await inSharedMemory(updates);
    const { aggregate, remembered } = await judge({
      ...{ updates: shared, order, options: { ...this.#options, seed } },
      ...{ memory: this.#memory, past: this.#past(round, shared) },
    });
    if (this.#options.memoryBeta > 0) {
      for (const [id, score] of remembered) this.#memory.set(id, score);
    }
    return aggregate;
  }

  /** What the window holds of other clients; from now on it holds these updates. */
  #past(round: number, updates: readonly Update[]): readonly Update[] {
    const { window } = this.#options;
    if (window === 1) return [];
    for (const { clientId } of updates) this.#window.delete(clientId);
    for (const [id, seen] of this.#window)
      if (seen.round <= round - window) this.#window.delete(id);
    const past = [...this.#window.values()].map(({ update }) => update);
    for (const update of updates) this.#window.set(update.clientId, { round, update });
    return past;
  }
}

/** What a worker answers: errors lose their class on the way. */
export type Answer = ClairJudgement | { readonly fault: string };

let workers: Promise<Piscina<ClairRound, Answer>> | undefined;

async function judge(round: ClairRound): Promise<ClairJudgement> {
  workers ??= start();
  const answer = await (await workers).run(round);
  if ("fault" in answer) throw new UserError(answer.fault);
  return answer;
}

/** Threads that end when they have been idle for a while, and do not keep the process alive. */
async function start(): Promise<Piscina<ClairRound, Answer>> {
  // Loaded when it is needed: most commands never judge.
  const { Piscina } = await import("piscina");
  return new Piscina({
    filename: new URL("./worker.js", import.meta.url).href,
    ...{ minThreads: 0, idleTimeout: 10_000, atomics: "disabled" },
  });
}
