import { UserError, type Aggregation, type Aggregator, type AggregatorInput } from "@fedclair/core";
import type { Piscina } from "piscina";
import type { ClairOptions } from "./options.js";
import type { ClairJudgement, ClairRound } from "./round.js";
import { inSharedMemory } from "./shared-memory.js";
import { earlier, stateAfter, type ClairState } from "./state.js";

/** CLAIR with memory of earlier rounds, off the event loop: heartbeats go on while it computes. */
export class Clair implements Aggregator<ClairState> {
  readonly #options: ClairOptions;

  constructor(options: ClairOptions) {
    this.#options = options;
  }

  async aggregate(
    input: AggregatorInput,
    state: ClairState = new Map(),
  ): Promise<Aggregation<ClairState>> {
    const { updates, rng } = input;
    const options = this.#options;
    // In secret order, so that no attacker can place itself on the clients that the search starts from; and from a secret seed, so that none
    // can hide in what a sketch does not see.
    const order = rng.sample([...updates.keys()]);
    const seed = (options.seed + rng.at("seed").int(2 ** 32)) % 2 ** 32;
    const { memory, past } = earlier(state, input, options);
    const { aggregate, remembered } = await judge({
      ...{ updates: await inSharedMemory(updates), order, options: { ...options, seed } },
      ...{ memory, past: await inSharedMemory(past) },
    });
    return { ...aggregate, state: stateAfter(state, input, remembered, options) };
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
