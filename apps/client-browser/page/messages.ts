import type { ErrorCode, Trial } from "@fedclair/core/internal";
import type { ChosenFile, ReadData } from "@fedclair/plugins/browser";

/** What the page asks of its worker. */
export type Order =
  | {
      readonly kind: "join";
      /** The coordinator's address. Default: that of the page. */
      readonly coordinator?: string;
      readonly token: string;
      readonly capacity: number;
      /** Files of the user's to train on, if there are any. They stay in the worker. */
      readonly files: readonly ChosenFile[];
    }
  /** Reads files without joining; `trial` says what they mean, if the page knows it. */
  | {
      readonly kind: "check";
      readonly trial: Trial | undefined;
      readonly files: readonly ChosenFile[];
    }
  | { readonly kind: "leave" };

/** The facts about a trial that the page shows. */
export interface TrialFacts {
  readonly name: string;
  readonly task: string;
  readonly rounds: number;
  readonly clients: number;
  readonly backend: string;
}

/** Why a worker has ended. */
export type Outcome =
  /** The trial is over. */
  | "over"
  /** The page has asked for it. */
  | "left"
  /** The coordinator has refused this tab. */
  | "refused"
  /** The trial has failed, or another host has taken the place of this tab. */
  | "dismissed"
  /** A tab cannot take part in this trial. */
  | "unfit"
  /** The user's files cannot be trained on in this trial. */
  | "unusable"
  /** The coordinator cannot be reached any more. */
  | "unreachable"
  /** An error of this program or of the browser. */
  | "failed";

/** How a worker has ended. */
export interface End {
  readonly outcome: Outcome;
  readonly reason: string;
  /** The code of a refusal. */
  readonly code?: ErrorCode | undefined;
}

/** What clients of this tab did together. */
export interface Work {
  readonly round: number;
  readonly kind: "train" | "evaluate" | "choose" | "initial";
  readonly clients: readonly string[];
}

/** What a worker reports to its page. */
export type Report =
  | { readonly kind: "trial"; readonly facts: TrialFacts }
  /** The first rows of the user's table, below the names of its columns. */
  | { readonly kind: "preview"; readonly rows: readonly (readonly string[])[] }
  /** The user's files have been read. */
  | { readonly kind: "read"; readonly data: ReadData }
  /** The tab has joined; clients may be given to it from now on. */
  | { readonly kind: "joined" }
  | { readonly kind: "lost"; readonly why: string }
  | { readonly kind: "started"; readonly work: Work }
  | {
      readonly kind: "done";
      readonly work: Work;
      readonly seconds: number;
      /** What the clients measured: the first metric of each. */
      readonly measured: readonly (readonly [metric: string, value: number])[];
      /** Clients without a result, each with the reason. */
      readonly failures: readonly string[];
    }
  /** Comes every second, so that the page notices a worker that does not return. */
  | { readonly kind: "beat"; readonly bytesSent: number; readonly bytesReceived: number }
  | { readonly kind: "warning"; readonly text: string }
  | ({ readonly kind: "ended" } & End);
