import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/*
 * V8 decides by its own heap when to collect garbage, and hardly counts numbers outside of it. A
 * gigabyte of tensors that were read once from a file would stay in memory.
 */

/** Bytes of numbers between two collections. */
const bytesBetween = 2 ** 26;

let bytes = 0;
let collect: NodeJS.GCFunction | undefined;

/** Collects young garbage once 64 MiB of numbers have been allocated, in about a millisecond. */
export function countAllocated(byteLength: number): void {
  bytes += byteLength;
  if (bytes < bytesBetween) return;
  bytes = 0;
  getCollector()({ type: "minor" });
}

/** Collects all garbage, in 10 ms or more. */
export function collectGarbage(): void {
  getCollector()();
}

function getCollector(): NodeJS.GCFunction {
  if (collect) return collect;
  setFlagsFromString("--expose-gc");
  return (collect = runInNewContext("gc") as NodeJS.GCFunction);
}
