import type { MessagePort } from "node:worker_threads";

/** Functions that create the objects of a thread, by name. */
export type Makers<M> = { readonly [K in keyof M]: (...args: never[]) => object };

/** What a thread begins with. */
export interface ThreadSetup {
  /** The memory of its `ThreadActivity`. */
  readonly activity: SharedArrayBuffer;
  /** Its end of the channel that carries requests and messages. */
  readonly port: MessagePort;
}

/** A request to a thread about its object number `of`. */
export type ThreadRequest = { readonly of: number } & (
  | { readonly make: string; readonly args: readonly unknown[] }
  | { readonly ask: string; readonly args: readonly unknown[]; readonly call: number }
  | { readonly keep: string; readonly args: readonly unknown[]; readonly as: number }
  | { readonly drop: true }
);

/** The reply to a call, which has either a result or an error. */
export type ThreadReply = { readonly call: number } & (
  | { readonly result: unknown }
  /** A `UserError` loses its class when it is posted, so its exit code goes beside it. */
  | { readonly error: unknown; readonly exitCode?: number }
);

/** A message from a thread. Several are posted together, as an array. */
export type ThreadMessage =
  | ThreadReply
  /** What happened during a call. */
  | { readonly report: unknown }
  /** The next name of code that `Doing.code` may refer to, such as `train() of task 'x'`. */
  | { readonly code: string };
