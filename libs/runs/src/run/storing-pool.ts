import {
  deltaBytes,
  WrappedPool,
  type Admit,
  type Answer,
  type ClientPool,
  type Job,
} from "@fedclair/core/internal";
import { collectGarbage } from "../store/collect-garbage.js";
import { TensorFile } from "../store/tensor-file.js";

/** Bytes of updates per round, or of the start params of the arms, that are held in memory. */
export const maxBytesInMemory = 64 << 20;

/**
 * Stores large updates on disk until the end of their round. The first 64 MiB of each `ask` call
 * stay in memory. An aggregator that reads updates one by one, or module by module, then needs the
 * same memory for any number of clients.
 */
export class StoringPool extends WrappedPool {
  readonly #folder: string;
  readonly #maxBytes: number;

  /** @param folder for an unnamed temporary file */
  constructor(inner: ClientPool, folder: string, maxBytes = maxBytesInMemory) {
    super(inner);
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  override async *ask(
    jobs: readonly Job[],
    admit: Admit,
    signal: AbortSignal,
  ): AsyncIterable<Answer> {
    let bytesInMemory = 0;
    let file: TensorFile | undefined;
    for await (const answer of this.inner.ask(jobs, admit, signal)) {
      const bytes = "update" in answer ? deltaBytes(answer.update.delta) : 0;
      if (!("update" in answer) || bytesInMemory + bytes <= this.#maxBytes) {
        bytesInMemory += bytes;
        yield answer;
        continue;
      }
      file ??= await TensorFile.create(this.#folder);
      yield { ...answer, update: await file.store(answer.update) };
    }
    if (file) collectGarbage(); // the messages, before an aggregator needs memory
  }
}
