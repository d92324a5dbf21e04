import type { Params, Start, Update } from "@fedclair/core";
import type {
  Answer,
  Attacked,
  ClientJob,
  Collected,
  PluginIdentity,
  ServerCode,
  Stepped,
} from "@fedclair/core/internal";
import type { PluginModule } from "../resolve-module.js";

/** What a thread begins with. */
export interface ThreadSetup {
  readonly modules: readonly PluginModule[];
  /** The memory of its `Activity`. */
  readonly activity: SharedArrayBuffer;
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

/** A job on the last base that was posted, or on its own. */
export interface PostedJob extends Omit<ClientJob, "params" | "derivation"> {
  readonly params: {
    readonly base: Params | "last";
    readonly rounds: ClientJob["params"]["rounds"];
  };
}

/** The answers to jobs, and the number of TensorFlow.js tensors in the thread. */
export interface Ran {
  readonly answers: readonly Answer[];
  readonly tensors: number;
}

/** The state before a round, without what the coordinator's plug-ins do not read. */
export type AttackedState = Parameters<ServerCode["attackCohort"]>[3];
export type SteppedState = Parameters<ServerCode["runStep"]>[1];

export type StreamedState = Parameters<ServerCode["openStream"]>[1];

type When = Parameters<ServerCode["attackCohort"]>[2];
type Arrived = Parameters<ServerCode["runStep"]>[2];

/** An error of a plug-in that ends its arm. */
export interface PostedFault {
  readonly fault: string;
  /** The stack of the error that was thrown. */
  readonly stack: string | undefined;
}

/** The methods that a thread serves, one call after another. */
export interface ThreadMethods {
  /** Returns the plug-ins that the modules export. */
  identify(): Promise<readonly PluginIdentity[]>;
  /** Prepares to run clients' jobs; returns the largest number of jobs that can run together. */
  prepareClients(trial: ThreadTrial, isAlone: boolean): Promise<number>;
  /** @param base the new last base; default: the one before */
  runJobs(jobs: readonly PostedJob[], base?: Params): Promise<Ran>;
  /** Prepares to run the coordinator's code. */
  prepareServer(trial: ThreadTrial): Promise<void>;
  startTask(): Promise<Start>;
  /** @param arm the index of the arm */
  finishExternal(
    arm: number,
    honest: Collected,
    when: When,
    state: Pick<AttackedState, "params" | "ask">,
  ): Promise<Collected>;
  /** @param arm the index of the arm */
  attackCohort(
    arm: number,
    honest: Collected,
    when: When,
    state: AttackedState,
  ): Promise<Attacked | PostedFault>;
  /**
   * @param arm the index of the arm
   * @returns the step; without its updates if they are those that arrived
   */
  runStep(
    arm: number,
    state: SteppedState,
    arrived: Arrived,
  ): Promise<(Omit<Stepped, "updates"> & Partial<Pick<Stepped, "updates">>) | PostedFault>;
  /**
   * Begins the stream of a round, which `addToStream` and `finishStream` then go on with.
   * @param arm the index of the arm
   */
  openStream(arm: number, state: StreamedState, when: When): Promise<Posted>;
  addToStream(updates: readonly Update[]): Promise<Posted>;
  finishStream(): Promise<Stepped | PostedFault>;
}

/** The reply of a method without a result. */
type Posted = PostedFault | { readonly isDone: true };

export type ThreadMethod = keyof ThreadMethods;

export interface ThreadCall {
  readonly id: number;
  readonly method: ThreadMethod;
  readonly args: readonly unknown[];
}

/** A message from a thread. Errors lose their class when they are posted. */
export type ThreadMessage =
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  | {
      readonly kind: "error";
      readonly id: number;
      readonly message: string;
      /** Present for a `UserError`. */
      readonly exitCode?: number;
      readonly stack?: string | undefined;
    }
  | {
      readonly kind: "clientError" | "timeout";
      readonly job: Pick<ClientJob, "clientId" | "round" | "kind">;
      readonly what: string;
    }
  | { readonly kind: "batchError"; readonly task: string; readonly what: string }
  /** The next name of code that `Doing.code` may refer to, such as `train() of task 'x'`. */
  | { readonly kind: "code"; readonly name: string };
