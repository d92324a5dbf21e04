import { readFile, writeFile } from "node:fs/promises";
import { parseYaml } from "@fedclair/core/internal";
import { partitionChoice, shuffleSamples, splitRows } from "@fedclair/tasks/shared";
import { z } from "zod";

/** A request to divide labelled samples among clients. */
export const partitionRequest = z.strictObject({
  call: z.literal("partition"),
  /** File with the labels as int32. */
  labels: z.string(),
  /** The name of a partition, and its options as `option=value`. */
  by: z.string(),
  set: z.array(z.string()),
  clients: z.int().min(1),
  /** Number of samples that no client gets. */
  withheld: z.int().min(0),
  /** The `dataSeed` of a task. */
  seed: z.int(),
  /** File for the indices of all clients as int32, one client after another. */
  out: z.string(),
});

/**
 * Divides samples as a task divides its training data.
 * @returns the number of samples of each client
 * @throws UserError for an unknown partition or option, or too few samples
 */
export async function divideSamples(
  request: z.output<typeof partitionRequest>,
): Promise<{ readonly counts: readonly number[] }> {
  const { by, set, clients, seed, withheld } = request;
  const source = {
    text: `partition: { by: ${JSON.stringify(by)} }`,
    file: "partition",
    hasLines: false,
    what: "options",
    overrides: set.map((one) => `partition.${one}`),
  };
  const schema = z.strictObject({ partition: partitionChoice });
  const { partition } = parseYaml(source).check(schema);
  const bytes = await readFile(request.labels);
  const labels = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const rows = withheld > 0 && { rows: shuffleSamples(labels.length, seed).slice(withheld) };
  const split = splitRows(
    { rows: labels.length },
    { partition, dataSeed: seed, minimum: 1, labels, ...rows },
  );
  const parts = Array.from({ length: clients }, (_, client) => split.of(client, clients));
  await writeFile(request.out, parts);
  return { counts: parts.map(({ length }) => length) };
}
