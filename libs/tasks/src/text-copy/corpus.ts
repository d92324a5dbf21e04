import type { Stream } from "@fedclair/linalg";

/** Where clients' tokens come from. Tokens are 0 … vocabulary - 1; the separator is not among them. */
export interface Corpus {
  readonly vocabulary: number;
  /** Reads the texts, if there are any; called once, before `open`. */
  readonly load?: () => Promise<void>;
  /** Throws an error that says what to change if there are not so many clients. */
  readonly checkClients?: (count: number) => void;
  /** As `Task.remark`. */
  readonly remark?: (count: number) => string | undefined;
  readonly clientLabel?: (index: number) => string;
  /** One client's own distribution of sequences. @param rng the client's stream */
  readonly open: (index: number, rng: Stream) => Source;
}

/** `training` and `heldOut` have no stretch of text in common. */
export type Part = "training" | "heldOut";

export interface Source {
  /** @returns `count` sequences of `copyLength` tokens, one after another; the same at every call */
  sequences(part: Part, count: number): Int32Array;
}
