/** The thread of a `Helper`. */
import { parentPort } from "node:worker_threads";
import type { TensorDelta } from "@fedclair/core";
import type { Order, Reply } from "./helper.js";
import type { Answer, Method, Parts } from "./parts.js";
import { inThisThread } from "./place.js";
import { updatesIn, type RefinedUpdates } from "./refine-module.js";
import { transferable } from "./shared-memory.js";

const places = new Map<number, Parts>();

parentPort?.on("message", (order: Order) => {
  if ("take" in order) places.set(order.place, inThisThread(...order.take));
  else if ("close" in order) places.delete(order.place);
  else void answer(order);
});

async function answer(order: Extract<Order, { method: unknown }>): Promise<void> {
  const { call, place, method, args } = order;
  try {
    const parts = places.get(place);
    if (parts === undefined) throw new Error(`no parts at place ${place}`);
    const answers = await parts.each(method, ...args);
    parentPort?.postMessage(
      { call, answers } satisfies Reply,
      transferable(fresh(method, answers)),
    );
  } catch (error) {
    parentPort?.postMessage({ call, error } satisfies Reply);
  }
}

/** What is large, and needed here no more: it changes hands. */
function fresh(method: Method, answers: readonly unknown[]): TensorDelta[] {
  if (method === "refineToUpdates") return (answers as RefinedUpdates[]).flatMap(updatesIn);
  if (method !== "refineToPairs") return [];
  return (answers as Answer<"refineToPairs">[]).flatMap((pairs) =>
    [...pairs.values()].map(({ pair }) => pair),
  );
}
