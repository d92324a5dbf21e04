import { UserError } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import type { PartitionChoice } from "./options.js";
import { dirichlet, iid, natural, quantity, shards, type Parts } from "./partitioners.js";

/** The labels and owners that a partition depends on. */
interface Labelled {
  /** The class of every sample. */
  readonly labels: ArrayLike<number>;
  /** The owner of every sample if the data name owners: an index from 0, without gaps. */
  readonly owners?: ArrayLike<number>;
}

/** A partition that splits the samples: every sample belongs to at most one client. */
export type SplitChoice = Exclude<PartitionChoice, { by: "drawn" }>;

/**
 * Splits the samples among the clients. Each part is in random order, so that its beginning is a
 * random sample too. Parts are disjoint and not empty. They cover all samples, except under
 * `natural`.
 * @param rng the same for all clients of a trial
 * @throws UserError that says what to change if there are too few samples
 */
export function partition(
  choice: SplitChoice,
  data: Labelled,
  clients: number,
  rng: Stream,
): readonly Int32Array[] {
  checkPartition(choice, data.labels.length, clients);
  const parts = dealOut(choice, data, clients, rng.at(choice.by));
  return parts.map((part, k) => Int32Array.from(rng.at("within", k).sample(part)));
}

/**
 * Draws the part of one client, in random order. Other clients may draw the same samples.
 * @param all indices of all samples
 * @param rng the same for all clients of a trial
 */
export function drawPart(
  { by, samples }: Extract<PartitionChoice, { by: "drawn" }>,
  all: readonly number[],
  client: number,
  rng: Stream,
): Int32Array {
  return Int32Array.from(rng.at(by, client).sample(all, samples));
}

/**
 * Checks as much as can be known from the number of samples.
 * @throws UserError that says what to change if there are too few
 */
export function checkPartition(choice: PartitionChoice, samples: number, clients: number): void {
  if (choice.by === "drawn") {
    if (samples >= choice.samples) return;
    throw new UserError(
      `partition: ${samples} samples do not suffice for clients with ${choice.samples} each: lower \`partition.samples\``,
    );
  }
  const [each, remedy] = findRequirement(choice);
  if (samples >= clients * each) return;
  throw new UserError(
    `partition: ${samples} samples do not suffice for ${clients} clients with ${each} each: ${remedy}`,
  );
}

/** Returns the minimum number of samples per client, and the remedy if there are fewer. */
function findRequirement(choice: SplitChoice): [number, string] {
  switch (choice.by) {
    case "dirichlet":
    case "quantity":
      return [choice.minimum, "lower `clients` or `partition.minimum`"];
    case "shards":
      return [choice.perClient, "lower `clients` or `partition.perClient`"];
    case "iid":
    case "natural":
      return [1, "lower `clients`"];
  }
}

function dealOut(
  choice: SplitChoice,
  { labels, owners }: Labelled,
  clients: number,
  rng: Stream,
): Parts {
  switch (choice.by) {
    case "iid":
      return iid(labels.length, clients, rng);
    case "dirichlet":
      return dirichlet(labels, clients, choice, rng);
    case "shards":
      return shards(labels, clients, choice.perClient, rng);
    case "quantity":
      return quantity(labels.length, clients, choice, rng);
    case "natural":
      return dealByOwner(owners, clients);
  }
}

function dealByOwner(owners: ArrayLike<number> | undefined, clients: number): Parts {
  if (!owners) {
    throw new UserError(
      "partition: natural needs data that tell whom each sample comes from, and these do not: choose iid, dirichlet, shards or quantity",
    );
  }
  const count = Array.from(owners).reduce((most, owner) => Math.max(most, owner + 1), 0);
  if (clients > count) {
    throw new UserError(
      `partition: natural serves ${count} clients, one an owner of samples, but ${clients} are asked for: lower \`clients\``,
    );
  }
  const parts = natural(owners, clients);
  const empty = parts.findIndex((part) => part.length === 0);
  if (empty >= 0) {
    throw new UserError(
      `partition: natural finds no sample of the owner of index ${empty}: give more, or leave the owner out`,
    );
  }
  return parts;
}
