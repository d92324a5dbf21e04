import { countWriters, noticeFiles, readSource } from "#digits-source";
import { UserError, type Shard, type Task, type TaskPlugin } from "@fedclair/core";
import { guessClasses } from "../data/guessing.js";
import { sourcePaths } from "../data/own-data.js";
import { countUses } from "../held-back.js";
import { withFeatureNoise } from "../partition/feature-noise.js";
import { PerceptronClient } from "../perceptron/client.js";
import { inputAt, splitExamples, type Examples } from "../perceptron/examples.js";
import { initialParams } from "../perceptron/model.js";
import { refusesSteps } from "../perceptron/options.js";
import { CommonExamples, trainBase } from "../perceptron/training.js";
import { choose, inUnits, mnistCount, type Collection } from "./images.js";
import { checkHoldings, countWithheld, holdings, reserve } from "./holdings.js";
import { digitsSchema, type DigitsOptions } from "./options.js";

/**
 * Handwritten digits, recognised by logistic regression, by a perceptron with one hidden layer, or
 * by LoRA adapters on a perceptron. In the last case the coordinator has pre-trained the perceptron
 * on digits that no client holds.
 *
 * Modules are `output`, or `hidden` and `output`: matrices outputs×(inputs + 1), float32, with the
 * bias as the last column. The columns of a change, CLAIR's left side, therefore span the space of
 * outputs. Clients take plain gradient steps. With model `lora` they start from fresh adapters in
 * every round and answer with B (outputs×rank) and A (rank×(inputs + 1)).
 */
export const digits: TaskPlugin = {
  name: "digits",
  summary:
    "MNIST digits, or your own images, split among the clients: a linear model, a perceptron, or LoRA on it.",
  schema: digitsSchema,
  hasLabels: () => true,
  paths: sourcePaths,
  metrics: {
    accuracy: {
      better: "higher",
      description: "share of the client's held-out digits recognised",
      onSharedData: "uniformAccuracy",
    },
    uniformAccuracy: {
      better: "higher",
      description: "share recognised of digits that no client holds",
    },
    loss: { better: "lower", unit: "nats", description: "mean loss of a digit" },
  },
  primary: "accuracy",
  acceptsStale: () => true,
  acceptsControl: ({ model }: DigitsOptions) => model !== "lora",
  refusesSteps: (options: DigitsOptions) => refusesSteps(options),
  holdsBack: true,
  namesClients: ({ partition }: DigitsOptions) => partition.by === "natural",
  checkClients: (clients, options: DigitsOptions) => {
    checkClients(options, clients);
  },
  notice: (_, { source }: DigitsOptions) => noticeFiles(source),
  figures: async (input) => (await import("./holdings-figure.js")).holdingsFigures(input),
  create: async (options: DigitsOptions): Promise<Task> => {
    const data = await readSource(options.source);
    return {
      checkClients: (clients) => {
        holdings(options, data, clients);
      },
      guessing: () => guessClasses(data.labels, data.classes),
      ...(options.source !== "mnist" && {
        notice: (clients: number) => describeUse(options, data, clients),
      }),
      ...(options.partition.by === "natural" && {
        clientLabel: (index: number) => data.writers?.[index] ?? `writer ${index}`,
      }),
      async start({ rng }) {
        const params = initialParams(options, data.pixels, data.classes, rng);
        if (options.model !== "lora") return { params };
        const base = choose(data, reserve(options, data.labels.length).base);
        return { params: await trainBase(params, base, options, rng) };
      },
      openShard: createOpener(options, data),
    };
  },
};

/**
 * Creates the function that opens the digits of a client.
 * @param holdsAll whether any client holds all digits, because it is alone on its host
 */
export function createOpener(
  options: DigitsOptions,
  data: Collection,
  { holdsAll = false } = {},
): Task["openShard"] {
  let shared: Shared | undefined;
  return (shard) => {
    const { index, count } = holdsAll ? { index: 0, count: 1 } : shard;
    if (shared?.clients !== count) shared = share(options, data, count);
    const held = choose(data, shared.partOf(index));
    const noisy = options.featureNoise === 0 ? held : withNoise(options, held, shard);
    const { uniform } = shared;
    const examples = splitExamples(noisy, data.classes, shard);
    return Promise.resolve(new PerceptronClient(options, { ...examples, uniform, describeMisfit }));
  };
}

/**
 * Data that all clients share. With a thousand clients, drawing it again for each would take long.
 */
interface Shared {
  readonly clients: number;
  /** Returns the digits of a client by its index, as indices. */
  readonly partOf: (client: number) => Int32Array;
  readonly uniform: CommonExamples;
}

function share(options: DigitsOptions, data: Collection, clients: number): Shared {
  const { uniform } = reserve(options, data.labels.length);
  return {
    clients,
    partOf: holdings(options, data, clients),
    uniform: new CommonExamples(choose(data, uniform)),
  };
}

/** Counts what the images are used for. */
export function countImages(options: DigitsOptions, data: Collection, clients: number) {
  return {
    ...countUses(clients, holdings(options, data, clients)),
    ...countWithheld(options, data.labels.length),
  };
}

/** Says how many of the user's own images are trained on, and what becomes of the others. */
function describeUse(options: DigitsOptions, data: Collection, clients: number): string {
  const { labels, pixels, classes } = data;
  const { trained, heldOut, uniform, base } = countImages(options, data, clients);
  const uses = [
    `${trained} train`,
    `${heldOut} measure the client that holds them`,
    `${uniform} measure all clients`,
    ...(base > 0 ? [`${base} pre-train`] : []),
  ];
  const use = `source: ${labels.length} images of ${pixels} numbers in ${classes} classes: ${uses.join(", ")}`;
  return data.unevenColumns === undefined ? use : `${use}\n${data.unevenColumns}`;
}

/** Checks as much as is known before anything is fetched or read. */
function checkClients(options: DigitsOptions, count: number): void {
  const { source, partition } = options;
  if (source === "mnist") checkHoldings(options, mnistCount, count);
  if (partition.by !== "natural") return;
  const writers = countWriters(source);
  // Whom a table names is known only after reading it.
  if (writers === undefined || count <= writers) return;
  const remedy = writers > 0 ? "lower `clients`" : "choose another partition";
  throw new UserError(
    `digits: partition natural serves ${writers} clients, one a writer that the data name, but ${count} are asked for: ${remedy}`,
  );
}

function describeMisfit(wanted: number, width: number): string {
  return `digits: the params are for images of ${wanted} numbers, and those of this host have ${width}: give every host images of one size and kind (a grey pixel is one number, a coloured one three)`;
}

/** Returns a copy with feature noise. */
function withNoise({ featureNoise }: DigitsOptions, held: Examples, shard: Shard): Examples {
  const { width } = held;
  const images = new Float32Array(held.labels.length * width);
  held.labels.forEach((_, i) => {
    images.set(inUnits(inputAt(held, i)), i * width);
  });
  const rng = shard.rng.at("feature-noise");
  return {
    ...held,
    inputs: withFeatureNoise(images, featureNoise, shard, rng),
    places: Int32Array.from(held.places.keys()),
  };
}
