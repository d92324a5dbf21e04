/** The script of a `Thread` that hosts modules and groups of clients. */
import { parentPort } from "node:worker_threads";
import { UserError } from "@fedclair/core";
import { ClientGroup } from "./client-group.js";
import { ModuleGroup } from "./module-state.js";
import { hostHere, type Hosted, type ThreadRequest, type ThreadReply } from "./thread.js";
import { collectBuffers, restore } from "./transfer.js";

type AnyObject = Record<string, (...args: unknown[]) => unknown>;
const objects = new Map<number, Hosted<AnyObject>>();
/** Ends with the call before. Calls take turns, as each may read one module of all clients. */
let turn = Promise.resolve();

parentPort?.on("message", (order: ThreadRequest) => {
  const { of } = order;
  if ("make" in order) {
    objects.set(of, hostHere(create(order.make, restoreArgs(order))));
  } else if ("drop" in order) {
    objects.delete(of);
  } else if ("keep" in order) {
    objects.set(order.as, findObject(of).keep(order.keep, ...restoreArgs(order)));
  } else {
    turn = turn.then(() => reply(order));
  }
});

function create(kind: string, args: readonly unknown[]): AnyObject {
  const group =
    kind === "clients"
      ? new ClientGroup(...(args as ConstructorParameters<typeof ClientGroup>))
      : new ModuleGroup(...(args as ConstructorParameters<typeof ModuleGroup>));
  return group as unknown as AnyObject;
}

/**
 * Methods with large results that this thread does not need afterwards, so their memory is
 * transferred.
 */
const transferredMethods = new Set(["refine", "refineToPairs", "blendToPairs", "judge"]);

async function reply(order: Extract<ThreadRequest, { ask: string }>): Promise<void> {
  const { of, ask, call } = order;
  const post = (message: ThreadReply, memory: Iterable<ArrayBuffer> = []) =>
    parentPort?.postMessage(message, [...memory]);
  try {
    const result = await findObject(of).ask(ask, ...restoreArgs(order));
    post({ call, result }, transferredMethods.has(ask) ? collectBuffers(result) : []);
  } catch (error) {
    post({ call, ...(error instanceof UserError ? { fault: error.message } : { error }) });
  }
}

function findObject(of: number): Hosted<AnyObject> {
  const none = () => Promise.reject<AnyObject>(new Error(`no object ${of} in this thread`));
  return objects.get(of) ?? hostHere(none());
}

function restoreArgs({ args }: { readonly args: readonly unknown[] }): unknown[] {
  return args.map((arg) => restore(arg));
}
