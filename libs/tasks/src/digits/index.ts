import { UserError, type Shard, type Task, type TaskPlugin } from "@fedclair/core";
import { withFeatureNoise } from "../partition/feature-noise.js";
import { DigitsClient, type ClientData } from "./client.js";
import { mnistCount, readFolder, readMnist, writersIn, type Digits } from "./data.js";
import { classes, digitsAt, type Images } from "./images.js";
import { checkHoldings, holdings, reserve } from "./holdings.js";
import { schema, type Options } from "./options.js";
import { initialLayers, paramsOf } from "./params.js";
import { allWeights, train } from "./training.js";

/** The share of a client's digits that it trains on; the rest is held out. */
const trainingShare = 0.8;

/**
 * Handwritten digits, recognised by logistic regression, by a perceptron with one hidden layer, or by LoRA adapters on a
 * perceptron that the coordinator has pre-trained on digits that nobody holds.
 *
 * Modules are `output`, or `hidden` and `output`: matrices outputs×(inputs + 1), float32, whose last column is the bias. The
 * columns of a change, CLAIR's left side, are thus the space of outputs. Clients take plain gradient steps; with model
 * `lora` they answer with B (outputs×rank) and A (rank×(inputs + 1)), from fresh adapters in every round.
 */
export const digits: TaskPlugin = {
  name: "digits",
  summary: "MNIST digits, split among the clients: a linear model, a perceptron, or LoRA on it.",
  schema,
  hasLabels: true,
  paths: ["source.folder"],
  metrics: {
    accuracy: { better: "higher", description: "share of the client's held-out digits recognised" },
    uniformAccuracy: { better: "higher", description: "share recognised of digits nobody holds" },
    loss: { better: "lower", unit: "nats", description: "mean loss of a digit" },
  },
  primary: "accuracy",
  create: (options: Options): Task => {
    let loaded: Digits | undefined;
    let shared: Shared | undefined;
    const data = () => {
      if (!loaded) throw new Error("digits: call prepare() first");
      return loaded;
    };
    return {
      checkClients: (count) => {
        checkClients(options, count);
      },
      ...(options.partition.by === "natural" && {
        clientLabel: (index: number) => data().writers?.[index] ?? `writer ${index}`,
      }),
      async prepare() {
        loaded = await read(options);
      },
      async start({ rng }) {
        const layers = initialLayers(options, rng);
        if (options.model === "lora") {
          const images = digitsAt(data(), reserve(options, data().labels.length).base);
          const pace = { ...options, epochs: options.baseEpochs };
          await train(allWeights([...layers.values()]), images, pace, rng.at("base"));
        }
        return { params: paramsOf(layers) };
      },
      openShard(shard) {
        if (shared?.parts.length !== shard.count) shared = share(options, data(), shard.count);
        const held = digitsAt(data(), shared.parts[shard.index] ?? []);
        const { uniform } = shared;
        return Promise.resolve(
          new DigitsClient(options, { ...split(options, held, shard), uniform }),
        );
      },
    };
  },
};

/** What is the same for all clients: long to draw for a thousand of them, one after another. */
interface Shared {
  /** Who holds which digits. */
  readonly parts: readonly Int32Array[];
  readonly uniform: Images;
}

function share(options: Options, data: Digits, clients: number): Shared {
  const { uniform } = reserve(options, data.labels.length);
  return { parts: holdings(options, data, clients), uniform: digitsAt(data, uniform) };
}

function read({ source }: Options): Promise<Digits> {
  return source === "mnist" ? readMnist() : readFolder(source.folder);
}

/** What can be told before anything is fetched or read. */
function checkClients(options: Options, count: number): void {
  const { source, partition } = options;
  if (source === "mnist") checkHoldings(options, mnistCount, count);
  if (partition.by !== "natural") return;
  const writers = source === "mnist" ? 0 : writersIn(source.folder).length;
  if (count <= writers) return;
  const remedy = writers > 0 ? "lower `clients`" : "choose another partition";
  throw new UserError(
    `digits: partition natural serves ${writers} clients, one a writer that the data name, but ${count} are asked for: ${remedy}`,
  );
}

/** @param held in random order */
function split(
  { featureNoise }: Options,
  held: Images,
  shard: Shard,
): Pick<ClientData, "training" | "heldOut"> {
  const images = withFeatureNoise(held.images, featureNoise, shard, shard.rng.at("feature-noise"));
  const count = held.labels.length;
  const border = Math.min(Math.ceil(trainingShare * count), count - 1);
  const indices = [...held.labels.keys()];
  const training = digitsAt({ ...held, images }, indices.slice(0, border));
  const labels = shard.corruptLabels?.(training.labels, classes) ?? training.labels;
  return {
    training: { ...training, labels },
    heldOut: digitsAt({ ...held, images }, indices.slice(border)),
  };
}
