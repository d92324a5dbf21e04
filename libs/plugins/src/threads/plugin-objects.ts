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
import type { ThreadService } from "@fedclair/threads";
import type { PluginModule } from "../resolve-module.js";

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
  /** Whether a client ran out of time. Its code may run on, so the thread answers no more calls. */
  readonly hasTimeout: boolean;
}

type When = Parameters<ServerCode["attackCohort"]>[2];
type Arrived = Parameters<ServerCode["runStep"]>[2];

/** The state before a round, without what the coordinator's plug-ins do not read. */
type AttackedState = Parameters<ServerCode["attackCohort"]>[3];
type SteppedState = Parameters<ServerCode["runStep"]>[1];
type StreamedState = Parameters<ServerCode["openStream"]>[1];

/** An error of a plug-in that ends its arm. Errors lose their class when they are posted. */
export interface PostedFault {
  readonly fault: string;
  /** The stack of the error that was thrown. */
  readonly stack: string | undefined;
}

/** The reply of a method without a result. */
type Done = PostedFault | { readonly isDone: true };

/** The plug-ins that modules export. */
interface Exports {
  identify(): Promise<readonly PluginIdentity[]>;
}

/** The code of a trial's clients in a thread. */
export interface ClientSide {
  /** Returns the largest number of jobs that can run together. */
  maxBatch(): number;
  /**
   * @param batch the number that `Doing.call` shows while the jobs run
   * @param base the new last base; default: the one before
   */
  runJobs(batch: number, jobs: readonly PostedJob[], base?: Params): Promise<Ran>;
}

/** The coordinator's plug-ins of a trial in a thread. An arm is given by its index. */
export interface ServerSide {
  isReady(): boolean;
  startTask(): Promise<Start>;
  finishExternal(
    arm: number,
    honest: Collected,
    when: When,
    state: Pick<AttackedState, "params" | "ask">,
  ): Promise<Collected>;
  attackCohort(
    arm: number,
    honest: Collected,
    when: When,
    state: AttackedState,
  ): Promise<Attacked | PostedFault>;
  /** @returns the step; without its updates if they are those that arrived */
  runStep(
    arm: number,
    state: SteppedState,
    arrived: Arrived,
  ): Promise<(Omit<Stepped, "updates"> & Partial<Pick<Stepped, "updates">>) | PostedFault>;
  /** Begins the stream of a round, which `addToStream` and `finishStream` then go on with. */
  openStream(arm: number, state: StreamedState, when: When): Promise<Done>;
  addToStream(updates: readonly Update[]): Promise<Done>;
  finishStream(): Promise<Stepped | PostedFault>;
}

/** What `worker.ts` creates in a thread, once it is prepared. */
export interface PluginObjects {
  exports(modules: readonly PluginModule[]): Exports;
  clients(
    modules: readonly PluginModule[],
    trial: ThreadTrial,
    isAlone: boolean,
  ): Promise<ClientSide>;
  server(modules: readonly PluginModule[], trial: ThreadTrial): Promise<ServerSide>;
}

/** What happens to clients while their jobs run. */
export type PluginReport =
  | {
      readonly kind: "clientError" | "timeout";
      readonly job: Pick<ClientJob, "clientId" | "round" | "kind">;
      readonly what: string;
    }
  | { readonly kind: "batchError"; readonly task: string; readonly what: string };

/** The side of a `PluginThread` that runs in it. */
export type PluginService = ThreadService<PluginObjects, PluginReport>;
