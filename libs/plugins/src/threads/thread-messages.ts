import type { Params } from "@fedclair/core";
import type { ClientJob, ReportedJob } from "@fedclair/core/internal";
import type { ThreadService } from "@fedclair/threads";

/** A trial that a thread prepares. */
export interface ThreadTrial {
  /** The resolved trial. */
  readonly content: unknown;
  /** Where the trial comes from, for messages. */
  readonly from: string;
  /** The TensorFlow.js backend to compute with. */
  readonly backend: string;
}

/** A job on the last base that was posted, or on its own. */
export interface PostedJob extends Omit<ClientJob, "params" | "derivation"> {
  readonly params: {
    readonly base: Params | "last";
    readonly rounds: ClientJob["params"]["rounds"];
  };
}

/** The result of a part of a round, or the error of a plug-in that ends its arm. */
export type ServerReply<T> =
  | { readonly result: T }
  /** @property stack that of the error that was thrown */
  | { readonly fault: string; readonly stack: string | undefined };

/** An event of a runner, by its name, with the job or the task that it is about. */
export type PluginReport =
  | readonly [name: "onClientError" | "onTimeout", job: ReportedJob, what: string]
  | readonly [name: "onBatchError", task: string, what: string]
  /** An error that nothing caught, of a client whose job is over, or of nobody. */
  | readonly [name: "onStray", job: ReportedJob | undefined, what: string];

/** What plug-ins need of the thread that they run in. */
export type PluginService = Pick<
  ThreadService<object, PluginReport>,
  "activity" | "report" | "codeIndex" | "stop"
>;
