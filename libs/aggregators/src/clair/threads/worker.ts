/** The script of a `Thread` that hosts modules. */
import { parentPort } from "node:worker_threads";
import { UserError } from "@fedclair/core";
import { ModuleGroup } from "./module-state.js";
import { here, type Hosted, type Order, type Reply } from "./thread.js";
import { buffersIn, revived } from "./travel.js";

type AnyObject = Record<string, (...args: unknown[]) => unknown>;
const objects = new Map<number, Hosted<AnyObject>>();

parentPort?.on("message", (order: Order) => {
  const { of } = order;
  if ("make" in order) {
    const make = revived(order.make) as ConstructorParameters<typeof ModuleGroup>;
    const made = new ModuleGroup(...make);
    objects.set(of, here(made));
  } else if ("drop" in order) {
    objects.delete(of);
  } else if ("keep" in order) {
    objects.set(order.as, object(of).keep(order.keep, ...argsOf(order)));
  } else {
    void reply(order);
  }
});

/** Results that are large, and needed here no more: their memory changes hands. */
const handedOver = new Set(["refine", "refineToPairs"]);

async function reply(order: Extract<Order, { ask: string }>): Promise<void> {
  const { of, ask, call } = order;
  const post = (message: Reply, memory: Iterable<ArrayBuffer> = []) =>
    parentPort?.postMessage(message, [...memory]);
  try {
    const result = await object(of).ask(ask, ...argsOf(order));
    post({ call, result }, handedOver.has(ask) ? buffersIn(result) : []);
  } catch (error) {
    post({ call, ...(error instanceof UserError ? { fault: error.message } : { error }) });
  }
}

function object(of: number): Hosted<AnyObject> {
  const none = () => Promise.reject<AnyObject>(new Error(`no object ${of} in this thread`));
  return objects.get(of) ?? here(none());
}

function argsOf({ args }: { readonly args: readonly unknown[] }): unknown[] {
  return args.map((arg) => revived(arg));
}
