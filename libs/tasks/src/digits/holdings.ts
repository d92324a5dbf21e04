import { UserError } from "@fedclair/core";
import { stream, atInt, item } from "@fedclair/linalg";
import { checkPartition, drawPart, partition } from "../partition/partition.js";
import { shuffleSamples } from "../partition/shuffle-samples.js";
import type { Collection } from "./images.js";
import type { DigitsOptions } from "./options.js";

/** Indices of the reserved digits, and of those that are split among the clients. */
export interface Reserved {
  /** Digits for pre-training. */
  readonly base: readonly number[];
  /** Digits on which all clients are measured. */
  readonly uniform: readonly number[];
  readonly left: readonly number[];
}

/** Every client needs one digit to train on and one to be measured on. */
export const minimumPerClient = 2;

/**
 * Checks that the clients' parts will not be too small.
 * @param digits number of digits in the collection
 * @throws UserError if they will be
 */
export function checkHoldings(options: DigitsOptions, digits: number, clients: number): void {
  const { uniform, base } = countWithheld(options, digits);
  const left = digits - uniform - base;
  if (options.partition.by !== "drawn" && left < minimumPerClient * clients) {
    throw new UserError(
      `digits: of ${digits} images, uniformDigits = ${uniform} and baseDigits = ${base} are nobody's, which leaves too few for ${clients} clients: lower one of the three`,
    );
  }
  checkPartition(options.partition, left, clients);
}

/** Default counts of MNIST, whatever the model. */
const mnistWithheld = { uniform: 500, base: 1000 };
/** Default shares of the user's own images. */
const ownWithheld = { uniform: 0.1, base: 0.2 };

/** Returns how many images no client holds: for measuring, and for pre-training. */
export function countWithheld(
  { source, model, uniformDigits, baseDigits }: DigitsOptions,
  digits: number,
): { readonly uniform: number; readonly base: number } {
  const own = { uniform: ownWithheld.uniform, base: model === "lora" ? ownWithheld.base : 0 };
  const usual = source === "mnist" ? mnistWithheld : own;
  const count = (wanted: number) => (wanted < 1 ? Math.round(wanted * digits) : wanted);
  return {
    uniform: Math.max(1, count(uniformDigits ?? usual.uniform)),
    base: count(baseDigits ?? usual.base),
  };
}

export function reserve(options: DigitsOptions, digits: number): Reserved {
  const { uniform, base } = countWithheld(options, digits);
  const order = shuffleSamples(digits, options.dataSeed);
  return {
    uniform: order.slice(0, uniform),
    base: order.slice(uniform, uniform + base),
    left: order.slice(uniform + base),
  };
}

/**
 * Returns the digits of a client by its index, in random order.
 * @throws UserError if a client would hold too few
 */
export function holdings(
  options: DigitsOptions,
  { labels, owners }: Collection,
  clients: number,
): (client: number) => Int32Array {
  checkHoldings(options, labels.length, clients);
  const { left } = reserve(options, labels.length);
  const rng = stream(options.dataSeed).at("partition");
  const choice = options.partition;
  // Parts are drawn when they are needed: those of a million clients would take gigabytes.
  if (choice.by === "drawn") return (client) => drawPart(choice, left, client, rng);
  const data = {
    labels: left.map((i) => atInt(labels, i)),
    ...(owners && { owners: left.map((i) => atInt(owners, i)) }),
  };
  const parts = partition(choice, data, clients, rng);
  const tooSmall = parts.findIndex((part) => part.length < minimumPerClient);
  if (tooSmall >= 0) {
    throw new UserError(
      `digits: the client of index ${tooSmall} would hold ${parts[tooSmall]?.length ?? 0} digit, but needs ${minimumPerClient}: lower \`clients\`, or let \`partition\` give everybody more`,
    );
  }
  return (client) => item(parts, client).map((i) => item(left, i));
}
