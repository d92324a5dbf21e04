import { UserError } from "@fedclair/core";
import { stream, atInt, item } from "@fedclair/linalg";
import { checkPartition, partition } from "../partition/partition.js";
import type { Collection } from "./data.js";
import type { Options } from "./options.js";

/** Digits by index: nobody's, and those that the clients share. */
export interface Reserved {
  /** For pre-training. */
  readonly base: readonly number[];
  /** What all are measured on. */
  readonly uniform: readonly number[];
  readonly left: readonly number[];
}

/** Everyone needs one digit to train on and one to be measured on. */
const least = 2;

/** @param digits how many there are @throws UserError if the clients' parts would be too small */
export function checkHoldings(options: Options, digits: number, clients: number): void {
  const { uniformDigits, baseDigits } = options;
  const left = digits - uniformDigits - baseDigits;
  if (left < least * clients) {
    throw new UserError(
      `digits: of ${digits} digits, uniformDigits = ${uniformDigits} and baseDigits = ${baseDigits} are nobody's, which leaves too few for ${clients} clients: lower one of the three`,
    );
  }
  checkPartition(options.partition, left, clients);
}

export function reserve(options: Options, digits: number): Reserved {
  const { uniformDigits, baseDigits, dataSeed } = options;
  const all = Array.from({ length: digits }, (_, i) => i);
  const order = stream(dataSeed).at("order").sample(all);
  const taken = uniformDigits + baseDigits;
  return {
    uniform: order.slice(0, uniformDigits),
    base: order.slice(uniformDigits, taken),
    left: order.slice(taken),
  };
}

/** What each client holds, in random order. @throws UserError if somebody would hold too little */
export function holdings(
  options: Options,
  { labels, owners }: Collection,
  clients: number,
): readonly Int32Array[] {
  checkHoldings(options, labels.length, clients);
  const { left } = reserve(options, labels.length);
  const data = {
    labels: left.map((i) => atInt(labels, i)),
    ...(owners && { owners: left.map((i) => atInt(owners, i)) }),
  };
  const rng = stream(options.dataSeed).at("partition");
  const parts = partition(options.partition, data, clients, rng);
  const poor = parts.findIndex((part) => part.length < least);
  if (poor >= 0) {
    throw new UserError(
      `digits: the client of index ${poor} would hold ${parts[poor]?.length ?? 0} digit, but needs ${least}: lower \`clients\`, or let \`partition\` give everybody more`,
    );
  }
  return parts.map((part) => part.map((i) => item(left, i)));
}
