import type { Shard } from "@fedclair/core";

/** A source of the clients' tokens. Tokens are 0 … vocabulary - 1, without the separator. */
export interface Corpus {
  readonly vocabulary: number;
  /** Throws an error that says what to change if the corpus cannot serve `count` clients. */
  readonly checkClients?: (count: number) => void;
  /** Returns a notice, as `TaskPlugin.notice` does. */
  readonly notice?: (count: number) => string | undefined;
  /** Reads the texts, if the corpus has texts. @throws UserError if they cannot be used */
  load(): Promise<LoadedCorpus>;
}

/** A corpus whose texts are in memory. */
interface LoadedCorpus {
  /** Throws an error that says what to change if the corpus cannot serve `count` clients. */
  readonly checkClients?: (count: number) => void;
  readonly clientLabel?: (index: number) => string;
  /** Opens one client's own distribution of sequences. */
  readonly open: (shard: Pick<Shard, "index" | "count" | "rng">) => TextSource;
}

/** Part of a source. `training` and `heldOut` have no stretch of text in common. */
type CorpusPart = "training" | "heldOut";

export interface TextSource {
  /**
   * Returns `count` sequences of `copyLength` tokens, one after another, and the same ones at every
   * call.
   */
  sequences(part: CorpusPart, count: number): Int32Array;
}
