import { encodeCoordinatorMessage } from "./codec/coordinator-message.js";
import type { OpenWork } from "./open-work.js";
import type { Peer } from "./peer.js";

/** Jobs at a host at a time: one in progress and two waiting. Few, because each may carry personal params. */
export const jobWindow = 3;

/** A joined client host, as the coordinator sees it. */
export class HostSession {
  readonly peer: Peer;
  readonly capacity: number;
  /** Has prepared the trial, and may be given clients. */
  ready = false;

  constructor(peer: Peer, capacity: number) {
    this.peer = peer;
    this.capacity = capacity;
  }

  /**
   * Brings the host's part of the work to it, a window at a time, and then the word that it is over. Never rejects: what
   * cannot be delivered is the client's failure.
   * @param start the encoded RoundStart, the same bytes for all hosts
   */
  async serve(open: OpenWork, clientIds: readonly string[], start: Uint8Array): Promise<void> {
    const reply = await this.peer.send(start, open.closed);
    if (reply.type === "failure") {
      for (const id of clientIds) open.fail(id, reply.failure);
      return;
    }
    const queue = [...clientIds];
    await Promise.all(Array.from({ length: jobWindow }, () => this.#feed(open, queue)));
    await this.peer.send(encodeCoordinatorMessage({ type: "roundEnd", work: open.id }));
  }

  async #feed(open: OpenWork, queue: string[]): Promise<void> {
    for (let id = queue.shift(); id !== undefined && !open.closed.aborted; id = queue.shift()) {
      const personal = open.work.personal.get(id);
      const job = { type: "clientJob", work: open.id, clientId: id, personal } as const;
      const reply = await this.peer.send(encodeCoordinatorMessage(job), open.closed);
      if (reply.type === "failure") open.fail(id, reply.failure);
      await open.answered(id);
    }
  }
}
