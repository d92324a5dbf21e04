import {
  deltaBytes,
  type Admit,
  type Answer,
  type ClientPool,
  type Job,
} from "@fedclair/core/internal";
import { UpdateFile } from "./store/update-file.js";

/** Bytes of a round's updates, and of the params that arms start from, that are held in memory. */
export const mostHeld = 64 << 20;

/**
 * Large updates wait on the disk for the end of their round: of what comes of a call of `ask`, the first 64 MiB stay in memory. An
 * aggregator that takes updates one by one, or module by module, then needs no more memory for many than for few.
 */
export class StoringPool implements ClientPool {
  readonly #inner: ClientPool;
  readonly #folder: string;
  readonly #most: number;

  /** @param folder for a file that has no name there */
  constructor(inner: ClientPool, folder: string, most = mostHeld) {
    this.#inner = inner;
    this.#folder = folder;
    this.#most = most;
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.#inner.ready(signal);
  }

  async *ask(jobs: readonly Job[], admit: Admit, signal: AbortSignal): AsyncIterable<Answer> {
    let held = 0;
    let file: UpdateFile | undefined;
    for await (const answer of this.#inner.ask(jobs, admit, signal)) {
      const bytes = "update" in answer ? deltaBytes(answer.update.delta) : 0;
      if (!("update" in answer) || held + bytes <= this.#most) {
        held += bytes;
        yield answer;
        continue;
      }
      file ??= await UpdateFile.in(this.#folder);
      yield { ...answer, update: await file.store(answer.update) };
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
