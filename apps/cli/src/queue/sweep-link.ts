import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import { SendAgain, unlessAborted, type Receiver } from "@fedclair/runs";
import type { Redis } from "ioredis";
import { Mailbox, sendMessage, untilAccepted, type Message } from "./mailbox.js";
import {
  replySchema,
  sweepKey,
  type Action,
  type QueuedTrial,
  type Reply,
  type Request,
} from "./queued-trial.js";

/** Time, in ms, after which a request without a reply is repeated. */
const repeatMs = 10_000;

/** Time, in ms, for which a worker keeps a trial whose sweep is gone. */
const absenceMs = 60_000;

/** Delay, in ms, before the worker asks again for what the sweep could not do yet. */
const laterMs = 3000;

/** The trial is not this worker's any more. */
export class TrialLost extends Error {}

type Answer = Message & { readonly fields: Reply };

/**
 * Asks the sweep of a trial for something.
 * @throws SendAgain; UserError if the sweep refuses what was sent; TrialLost if the queue has given
 *   the trial to another worker, or nobody waits for it
 */
export type Ask = (action: Action, bytes?: Uint8Array) => Promise<Answer>;

/** Sends the requests of a worker to sweeps, and receives the replies. */
export class SweepLink {
  readonly #client: Redis;
  readonly #warn: (line: string) => void;
  readonly #id = randomUUID();
  readonly #mailbox: Mailbox;
  readonly #waiting = new Map<string, (answer: Answer) => void>();

  constructor(client: Redis, warn: (line: string) => void) {
    this.#client = client;
    this.#warn = warn;
    this.#mailbox = new Mailbox(client, this.#id, ({ fields, bytes }) => {
      const reply = replySchema.safeParse(fields).data;
      if (reply) this.#waiting.get(reply.id)?.({ fields: reply, bytes });
    });
  }

  close(): void {
    this.#mailbox.close();
  }

  /** Returns what asks about one trial. @param token as in `Request` */
  about({ sweep, trial }: QueuedTrial, token: string, signal: AbortSignal): Ask {
    return async (action, bytes = new Uint8Array()) => {
      for (let last = ""; ;) {
        const id = randomUUID();
        const fields: Request = { id, from: this.#id, host: hostname(), trial, token, action };
        const answer = await this.#send(sweep, fields, bytes, signal);
        const { outcome, why = "" } = answer.fields;
        if (outcome === "done") return answer;
        if (outcome === "again") throw new SendAgain(why);
        if (outcome === "refused") throw new UserError(why);
        if (outcome === "lost") throw new TrialLost(why);
        if (why !== last) this.#warn(`${trial} waits: ${why}`);
        last = why;
        await delay(laterMs, undefined, { signal });
      }
    };
  }

  /** Sends a request until there is an answer. */
  async #send(sweep: string, fields: Request, bytes: Uint8Array, signal: AbortSignal) {
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(fields.id, resolve));
    const accepted = <T>(command: () => Promise<T>) =>
      unlessAborted(signal, untilAccepted(command, this.#warn, signal));
    try {
      for (let seen = performance.now(); ;) {
        await accepted(() => sendMessage(this.#client, sweep, { fields, bytes }));
        const over = new AbortController();
        const late = delay(repeatMs, undefined, { signal: over.signal }).catch(() => undefined);
        const answer = await unlessAborted(signal, Promise.race([answered, late]));
        over.abort();
        if (answer) return answer;
        const isThere = await accepted(() => this.#client.exists(sweepKey(sweep)));
        if (isThere > 0) seen = performance.now();
        else if (performance.now() - seen > absenceMs) throw new TrialLost("no sweep waits for it");
      }
    } finally {
      this.#waiting.delete(fields.id);
    }
  }
}

/** The sweep as the receiver of a run. */
export function receiverAt(ask: Ask): Receiver {
  return {
    offer: async (parts) => void (await ask({ do: "offer", parts: [...parts] })),
    piece: async (name, at, bytes) => void (await ask({ do: "piece", name, at }, bytes)),
    commit: async (sent, names) =>
      void (await ask({ do: "commit", sent: [...sent], names: [...names] })),
  };
}
