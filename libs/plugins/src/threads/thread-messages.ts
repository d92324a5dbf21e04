import type { Params } from "@fedclair/core";
import type { ClientJob } from "@fedclair/core/internal";
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

/** An error of a plug-in that ends its arm. Errors lose their class when they are posted. */
export interface PostedFault {
  readonly fault: string;
  /** The stack of the error that was thrown. */
  readonly stack: string | undefined;
}

/** What happens to clients while their jobs run. */
export type PluginReport =
  | {
      readonly kind: "clientError" | "timeout";
      readonly job: Pick<ClientJob, "clientId" | "round" | "kind">;
      readonly what: string;
    }
  | { readonly kind: "batchError"; readonly task: string; readonly what: string };

/** What plug-ins need of the thread that they run in. */
export type PluginService = Pick<
  ThreadService<object, PluginReport>,
  "activity" | "report" | "codeIndex" | "stop"
>;
