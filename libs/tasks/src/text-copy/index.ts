import { addresses, textFolder } from "#text-copy-documents";
import { loadBackend } from "@fedclair/compute";
import { countHeldBack } from "../held-back.js";
import { zeros, type Shard, type Start, type Task, type TaskPlugin } from "@fedclair/core";
import { z } from "zod";
import type { Corpus, TextSource } from "./corpus.js";
import { sourcePaths, tableSource } from "../data/own-data.js";
import { partitionChoice } from "../partition/options.js";
import { proximal } from "../proximal.js";
import { dealtTexts } from "./dealt-texts.js";
import { lastingCoordinator } from "./lasting.js";
import { textRows, textTable, type Library } from "./library.js";
import { copyLength, loraModules, width } from "./shape.js";
import { syntheticCorpus } from "./synthetic.js";
import { textCorpus } from "./text.js";
import type { TransformerWeights } from "./model.js";

const columns = z.strictObject({
  text: z.string().default("text").describe("Column with the texts."),
  client: z
    .string()
    .default("client")
    .describe("Column with the client of each text; texts of a client are joined."),
});

const optionsOfTask = z.strictObject({
  source: z
    .union(
      [
        z.enum(["synthetic", "sotu"]),
        tableSource(columns.prefault({}).describe("The table's columns.")),
      ],
      { error: "expected synthetic, sotu, { folder: … } or { file: … }" },
    )
    .default("synthetic")
    .describe(
      "synthetic: independent tokens out of 20, with each client's own probabilities. sotu: one president's State of the Union addresses per client, fetched once from the npm registry. { folder }: one text file per client. { file }: a table of texts.",
    ),
  partition: partitionChoice
    .optional()
    .describe(
      "How real texts are split among the clients; default: natural, one client's document each. Others deal out the files or rows, whoever they are from, and clients have no names",
    ),
  dataSeed: z
    .int()
    .min(0)
    .optional()
    .describe(
      "Seed of the assignment of texts to clients (partition); default: 1. What a client draws from its texts follows the trial's seed",
    ),
  sequences: z.int().min(1).default(32).describe("Training sequences per client."),
  concentration: z
    .number()
    .gt(0)
    .default(0.5)
    .describe(
      "Dirichlet concentration of a client's tokens (source synthetic); smaller values are more uneven.",
    ),
  localSteps: z.int().min(1).default(15).describe("Adam steps per client and round."),
  batchSize: z
    .int()
    .min(1)
    .default(32)
    .describe("Sequences per step, drawn without replacement; all of them if there are no more."),
  learningRate: z.number().gt(0).default(0.01).describe("Learning rate of Adam."),
  proximal,
  rank: z.int().min(1).max(width).default(4).describe("Rank of the LoRA adapters."),
  trainA: z
    .boolean()
    .default(true)
    .describe(
      "Whether clients train the factor A of their adapters; false: A stays as drawn, as FFA-LoRA needs",
    ),
  adapters: z
    .enum(["fresh", "lasting"])
    .default("fresh")
    .describe(
      "fresh: every round starts from adapters drawn for it, and what they learnt is added to the model. lasting: the adapters of the first round stay, and the aggregator returns one for all clients or one for each",
    ),
  evaluationSequences: z
    .int()
    .min(1)
    .default(256)
    .describe("Number of held-out sequences, and of uniform ones, on which a client is evaluated."),
});

const schema = optionsOfTask.superRefine(({ source, partition }, context) => {
  if (source !== "synthetic" || partition === undefined) return;
  context.addIssue({
    code: "custom",
    path: ["partition"],
    message: "is for real texts: choose another source, or leave it out",
  });
});

export type TextCopyOptions = z.output<typeof schema>;

/**
 * The largest number of clients that train together, by backend. On wasm, a client's step takes 1.9
 * ms alone, 1.65 ms among two to four clients, and 1.75 ms among eight and more, which fill the
 * caches. TensorFlow's library would gain more. But there the last bits depend on the clients that
 * train together, and hosts group whichever clients they have.
 */
const maxBatch = { wasm: 4, tensorflow: 1, cpu: 1 };

/**
 * A Transformer that can reverse six tokens learns to copy them. Each of the eight modules
 * `block0.q` … `block1.o` is the accumulated change of a frozen matrix, 48×48, out×in. A client
 * starts a round from fresh LoRA adapters: A₀ ~ N(0, 1/in) is the same for all clients and B₀ = 0.
 * It answers with the pairs B (48×rank) and A (rank×48). The columns of B·A, CLAIR's left side,
 * span the space of the module's outputs. With `adapters: lasting` the base stays as it is, and the
 * params are the factors, `block0.q.B` and so on.
 *
 * The model reads x SEP y and learns y. A client with contaminated labels holds x SEP y′, so y′ is
 * both what it predicts and what it reads.
 */
export const textCopy: TaskPlugin = {
  name: "text-copy",
  summary: "A Transformer with LoRA adapters learns to copy short texts.",
  schema,
  hasLabels: () => true,
  paths: sourcePaths,
  metrics: {
    accuracy: {
      better: "higher",
      description: "share of the client's held-out tokens copied",
      onSharedData: "uniformAccuracy",
    },
    uniformAccuracy: { better: "higher", description: "share of uniform tokens copied" },
    loss: { better: "lower", unit: "nats", description: "mean loss of a token" },
  },
  primary: "accuracy",
  backend: ({ batchSize, sequences }: TextCopyOptions) =>
    Math.min(batchSize, sequences) >= 512 ? "tensorflow" : "wasm",
  acceptsStale: ({ adapters }: TextCopyOptions) => adapters === "fresh",
  holdsBack: true,
  namesClients: (options: TextCopyOptions) => options.source !== "synthetic" && isNatural(options),
  checkClients: (clients, options: TextCopyOptions) =>
    createCorpus(options).checkClients?.(clients),
  notice: (clients, options: TextCopyOptions) => createCorpus(options).notice?.(clients),
  create: (options: TextCopyOptions): Promise<Task> =>
    createTextCopy(options, createCorpus(options)),
};

/**
 * Creates the task on a corpus.
 * @param own weights of a base other than the shipped one
 */
export async function createTextCopy(
  options: TextCopyOptions,
  corpus: Corpus,
  own?: TransformerWeights,
): Promise<Task> {
  const { name } = await loadBackend();
  const [{ loadBase }, { TextCopyClient, trainAll }] = await Promise.all([
    import("./base.js"),
    import("./client.js"),
  ]);
  const { vocabulary } = corpus;
  const [base, { checkClients, clientLabel, open }] = await Promise.all([
    own ?? loadBase(vocabulary),
    corpus.load(),
  ]);
  const training = { ...options, base, vocabulary };
  return {
    ...(checkClients && { checkClients }),
    ...(clientLabel && { clientLabel }),
    guessing: () => ({ accuracy: 1 / vocabulary, loss: Math.log(vocabulary) }),
    ...(options.adapters === "lasting" ? lastingCoordinator(options.rank) : { start: startFresh }),
    openShard: (shard) => {
      const data = drawData(options, vocabulary, open(shard), shard);
      return Promise.resolve(new TextCopyClient(training, data));
    },
    trainCohort: { maxBatch: maxBatch[name], train: trainAll },
  };
}

function startFresh(): Promise<Start> {
  const params = new Map(loraModules.map((name) => [name, zeros([width, width])]));
  return Promise.resolve({ params });
}

/** Does each client have the texts that the data say are its own? */
export function isNatural({ partition }: TextCopyOptions): boolean {
  return partition === undefined || partition.by === "natural";
}

function createCorpus(options: TextCopyOptions): Corpus {
  const { source, concentration, partition = { by: "natural" }, dataSeed } = options;
  if (source === "synthetic") return syntheticCorpus(concentration);
  const library = openLibrary(source, isNatural(options));
  return isNatural(options) ? textCorpus(library) : dealtTexts(library, partition, dataSeed);
}

function openLibrary(
  source: Exclude<TextCopyOptions["source"], "synthetic">,
  byClient: boolean,
): Library {
  if (source === "sotu") return addresses;
  const { file, folder = "", columns } = source;
  if (file === undefined) return textFolder(folder);
  return byClient ? textTable({ file }, columns) : textRows({ file }, columns);
}

function drawData(options: TextCopyOptions, vocabulary: number, source: TextSource, shard: Shard) {
  const x = source.sequences("training", options.sequences);
  const y = shard.corruptLabels?.(Int32Array.from(x), vocabulary) ?? x;
  const trained = options.sequences - countHeldBack(options.sequences, shard.holdBack);
  const part = (start: number, end: number) => {
    const [from, to] = [start * copyLength, end * copyLength];
    return { x: x.subarray(from, to), y: y.subarray(from, to) };
  };
  const heldOut = source.sequences("heldOut", options.evaluationSequences);
  const tokens = shard.rng.at("uniform");
  const uniform = heldOut.map(() => tokens.int(vocabulary));
  return {
    training: part(0, trained),
    heldBack: part(trained, options.sequences),
    heldOut: toCopyExamples(heldOut),
    uniform: toCopyExamples(uniform),
  };
}

function toCopyExamples(x: Int32Array) {
  return { x, y: x };
}
