import { excerpt, UserError } from "@fedclair/core";

/*
 * A run travels between machines as its files. Logs only grow, so their ends travel, and other
 * files travel when they are new. `RunSender` reads them in one folder, `RunReceiver` writes them
 * in another. A piece may be lost between the two, or arrive twice.
 */

/** The most bytes of a file that travel at once. */
export const pieceBytes = 2 ** 20;

/** A part of a run's file: what the receiver lacks. */
export interface CarriedPart {
  readonly name: string;
  /** Bytes of the file that the receiver has; 0 unless the file is a log. */
  readonly from: number;
  /** Bytes of the whole file. */
  readonly size: number;
}

/** A part that has been sent, with the SHA-256 of its bytes. */
export interface SentPart {
  readonly name: string;
  readonly sha256: string;
}

/** The receiver of a run, here or on another machine. */
export interface Receiver {
  /** Announces the parts of the next delivery. */
  offer(parts: readonly CarriedPart[]): Promise<void>;
  /** @param at the place of the bytes in their part */
  piece(name: string, at: number, bytes: Uint8Array): Promise<void>;
  /**
   * Puts the parts in their places.
   * @param names all files that the run has
   */
  commit(sent: readonly SentPart[], names: readonly string[]): Promise<void>;
}

/** The receiver does not have what the sender believes: the whole run must be sent again. */
export class SendAgain extends Error {}

/** The receiver cannot take anything now; the same can be sent again later. */
export class SendLater extends UserError {}

export function isLog(name: string): boolean {
  return name.endsWith(".jsonl");
}

/** Matches the files that travel. The receiver writes `trial.yaml` itself. */
const sent =
  /^(checkpoint-\d{1,15}|(records|timings|artifacts)\.jsonl|(run|summary|failure)\.json|params\.safetensors)$/;

/** Does a file of a run's folder travel from the machine that runs it? */
export function isCarried(name: string): boolean {
  return sent.test(name);
}

/** Checks a name that came from another machine. @throws UserError unless a run has such a file */
export function requireRunFile(name: string): void {
  if (isCarried(name) || name === "trial.yaml") return;
  throw new UserError(
    `'${excerpt(name)}' is no file of a run: expected a name such as records.jsonl, without a folder`,
  );
}
