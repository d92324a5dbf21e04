import type { Params } from "@fedclair/core";
import type { Answer, ClientJob, PluginIdentity } from "@fedclair/core/internal";
import type { PluginModule } from "../resolve-module.js";

/** What a thread loads. */
export interface ThreadSetup {
  readonly modules: readonly PluginModule[];
}

/** A trial that a thread prepares. */
export interface ThreadTrial {
  /** The resolved trial. */
  readonly content: unknown;
  /** Where the trial comes from, for messages. */
  readonly from: string;
  /** The TensorFlow.js backend to compute with. */
  readonly backend: string;
}

/** A job without its base if the thread has that one already. */
export interface PostedJob extends Omit<ClientJob, "params" | "derivation"> {
  readonly params: { readonly base: Params | "last"; readonly rounds: ClientJob["params"]["rounds"] };
}

/** The methods that a thread serves, one call at a time. */
export interface ThreadMethods {
  /** Returns the plug-ins that the modules export. */
  identify(): Promise<readonly PluginIdentity[]>;
  /**
   * Prepares to run clients' jobs.
   * @returns the largest number of jobs that can run together
   */
  prepareClients(trial: ThreadTrial, isAlone: boolean): Promise<number>;
  /** @param base the base of the jobs whose own is `last`; absent if it is that of the last call */
  runJobs(
    jobs: readonly PostedJob[],
    base?: Params,
  ): Promise<{ readonly answers: readonly Answer[]; readonly tensors: number }>;
}

export type ThreadMethod = keyof ThreadMethods;

/** A call of a method. */
export interface ThreadCall {
  readonly method: ThreadMethod;
  readonly args: readonly unknown[];
}

/** What happens in a thread during a call. */
export type ThreadEvent =
  /** Clients begin to train together, or a single job begins. */
  | { readonly kind: "attempt"; readonly jobs: readonly number[] }
  /** Code of a plug-in begins to run. */
  | { readonly kind: "code"; readonly plugin: string }
  /** The event loop of the thread turns. */
  | { readonly kind: "alive" }
  /** A plug-in threw an error. */
  | { readonly kind: "clientError"; readonly job: number; readonly what: string }
  | { readonly kind: "batchError"; readonly task: string; readonly what: string };

/** The end of a call. Errors lose their class when they are posted. */
export type ThreadReply =
  | { readonly kind: "result"; readonly result: unknown }
  | {
      readonly kind: "error";
      readonly message: string;
      /** Present for a `UserError`. */
      readonly exitCode?: number;
      readonly stack?: string | undefined;
    };

